"""Claims of arXiv 2406.06290 about its tables, over their cells.

Where the text does not quantify a statement, the claim states our reading. tests/papers/test_paper_claims.py lists the
claims that the paper's own numbers and spreads do not decide.
"""

from __future__ import annotations

from ...tables import Claim, Contrast, beats, beyond, matches, within

KEPT = 1.5  # our reading of "maintaining model performance": at most this multiple of the unpruned network's error

READ = f"read as: its error stays below {KEPT:g} times that of its unpruned network"

SPARSE, LOTTERY = "90% sparse", "90% lottery"

CONTROLS = ("No reg.", "L1", "Shuffled")

GOOD = ("Torus", "Circle", "Klein")  # the manifolds that the paper finds apt for navigation

TABLE_1 = (
    Claim(
        "torus beats shuffled",
        "At 90 % sparsity the torus has a smaller error than the same coefficients shuffled: topology helps.",
        "section 4.1, control experiments",
        (beats((SPARSE, "Torus"), over=(SPARSE, "Shuffled")),),
    ),
    Claim(
        "torus beats the usual ways",
        "At 90 % sparsity the torus has a smaller error than L1 and than no regularizer.",
        "section 4.1, control experiments",
        tuple(beats((SPARSE, "Torus"), over=(SPARSE, column)) for column in ("L1", "No reg.")),
    ),
    Claim(
        "shuffled beats the usual ways",
        "Shuffled coefficients perform well too: at 90 % sparsity a smaller error than L1 and than no regularizer.",
        "section 4.1, control experiments",
        tuple(beats((SPARSE, "Shuffled"), over=(SPARSE, column)) for column in ("L1", "No reg.")),
    ),
    Claim(
        "torus keeps its performance",
        f"The torus accommodates 90 % sparsity and maintains the model's performance; {READ}.",
        "abstract and caption of Table 1",
        (within((SPARSE, "Torus"), KEPT, of=("Baseline", "Torus")),),
    ),
    Claim(
        "the others do not keep theirs",
        "Only coefficients from a suitable moduli space maintain performance at 90 % sparsity; read as: with every "
        f"other column the error rises above {KEPT:g} times that of its unpruned network.",
        "abstract and caption of Table 1",
        tuple(beyond((SPARSE, column), KEPT, of=("Baseline", column)) for column in CONTROLS),
    ),
    Claim(
        "torus beats every control at 75 %",
        "At 75 % sparsity too the torus has a smaller error than no regularizer, L1 and shuffled coefficients.",
        'section 4.1, control experiments ("Table 1 shows", without a sparsity)',
        tuple(beats(("75% sparse", "Torus"), over=("75% sparse", column)) for column in CONTROLS),
    ),
    Claim(
        "torus beats shuffled, lottery",
        "Trained from new weights at the final mask, the torus has a smaller error than shuffled coefficients.",
        'section 4.1, lottery tickets ("compare especially"), and caption of Table 1',
        (beats((LOTTERY, "Torus"), over=(LOTTERY, "Shuffled")),),
    ),
    Claim(
        "torus beats the usual ways, lottery",
        "Sparse architectures from moduli are more stable than traditional ones; read as: trained from new weights at "
        "the final mask, the torus has a smaller error than L1 and than no regularizer.",
        "section 4, lottery ticket hypothesis, and section 4.1, lottery tickets",
        tuple(beats((LOTTERY, "Torus"), over=(LOTTERY, column)) for column in ("L1", "No reg.")),
    ),
    Claim(
        "torus beats every control at 75 %, lottery",
        "Trained from new weights at the final mask of 75 %, the torus consistently outperforms the alternatives; read "
        "as: it has a smaller error than no regularizer, L1 and shuffled coefficients.",
        "section 4.1, lottery tickets",
        tuple(beats(("75% lottery", "Torus"), over=("75% lottery", column)) for column in CONTROLS),
    ),
    Claim(
        "torus keeps its performance, lottery",
        "The torus accommodates 90 % sparsity also when new weights are trained at the final mask; read as: its error "
        f"then stays below {KEPT:g} times that of its unpruned network.",
        "caption of Table 1",
        (within((LOTTERY, "Torus"), KEPT, of=("Baseline", "Torus")),),
    ),
    Claim(
        "the others do not keep theirs, lottery",
        "Only the torus accommodates 90 % sparsity when new weights are trained at the final mask; read as: with every "
        f"other column the error then rises above {KEPT:g} times that of its unpruned network.",
        "caption of Table 1",
        tuple(beyond((LOTTERY, column), KEPT, of=("Baseline", column)) for column in CONTROLS),
    ),
)

TABLE_2 = (
    Claim(
        "apt manifolds keep their performance",
        "Torus, circle and Klein bottle accommodate 90 % sparsification; read as: the error of each stays below "
        f"{KEPT:g} times that of the unpruned network of the torus.",
        "caption of Table 2",
        tuple(within((SPARSE, column), KEPT, of=("Baseline", "Torus")) for column in GOOD),
    ),
    Claim(
        "apt manifolds beat the 6-torus",
        "At 90 % sparsity torus, circle and Klein bottle have a smaller error than the 6-torus.",
        "section 4.1, moduli spaces",
        tuple(beats((SPARSE, column), over=(SPARSE, "6-Torus")) for column in GOOD),
    ),
    Claim(
        "apt manifolds beat the sphere",
        "At 90 % sparsity torus, circle and Klein bottle have a smaller error than the sphere.",
        "section 4.1, moduli spaces",
        tuple(beats((SPARSE, column), over=(SPARSE, "Sphere")) for column in GOOD),
    ),
    Claim(
        "apt manifolds beat the others, lottery",
        "Trained from new weights at the final mask of 90 %, torus, circle and Klein bottle have a smaller error than "
        "sphere and 6-torus.",
        "caption of Table 2",
        tuple(beats((LOTTERY, column), over=(LOTTERY, other)) for column in GOOD for other in ("Sphere", "6-Torus")),
    ),
    Claim(
        "apt manifolds keep their performance, lottery",
        "Torus, circle and Klein bottle accommodate 90 % sparsification also when new weights are trained at the final "
        f"mask; read as: the error of each then stays below {KEPT:g} times that of the unpruned network of the torus.",
        "caption of Table 2",
        tuple(within((LOTTERY, column), KEPT, of=("Baseline", "Torus")) for column in GOOD),
    ),
)

TABLE_3 = (
    Claim(
        "training helps in R3",
        "In R^3 training the embedding gives a smaller error at 90 % sparsity than a fixed one.",
        "section 4.1, trained embeddings, and caption of Table 3",
        (beats((SPARSE, "R3 trained"), over=(SPARSE, "R3 fixed")),),
    ),
    Claim(
        "training helps in R3, lottery",
        "In R^3 training the embedding gives a smaller error than a fixed one, from new weights at the mask of 90 %.",
        "caption of Table 3",
        (beats((LOTTERY, "R3 trained"), over=(LOTTERY, "R3 fixed")),),
    ),
    Claim(
        "training changes little on the torus",
        "On the torus trained embeddings have little effect; read as: at 90 % sparsity the errors differ by less "
        "than 1.5 cm.",
        "section 4.1, trained embeddings, and caption of Table 3",
        matches((SPARSE, "Torus trained"), (SPARSE, "Torus"), margin=1.5),
    ),
)

SLOWER = 1.5  # our reading of "substantial increases to training time"

STEP_TIMES = (
    Claim(
        "training the embedding costs time",
        "Training the embedding increases the training time substantially; read as: on torus and R^3 a training step "
        f"of the unpruned network takes more than {SLOWER:g} times as long as with a fixed embedding.",
        "section 2.3",
        tuple(
            beyond(("Baseline", trained), SLOWER, of=("Baseline", fixed))
            for trained, fixed in (("Torus trained", "Torus"), ("R3 trained", "R3 fixed"))
        ),
    ),
)

TABLE_8 = (
    Claim(
        "the ring beats diffusion",
        "The difference of Gaussians is mildly superior; read as: at 90 % sparsity a smaller error than diffusion.",
        "caption of Table 8",
        (beats((SPARSE, "Torus"), over=(SPARSE, "Diffusion")),),
    ),
)

TEXT_USUAL = ("No reg.", "L1")

TABLE_4 = (
    Claim(
        "moduli beat the usual ways",
        "At 90 % sparsity the torus is more accurate than L1 and than no regularizer.",
        "section 4.2, control experiments",
        tuple(beats((SPARSE, "Torus"), over=(SPARSE, column)) for column in TEXT_USUAL),
    ),
    Claim(
        "shuffled beats the usual ways",
        "At 90 % sparsity shuffled coefficients are more accurate than L1 and than no regularizer.",
        "section 4.2, control experiments",
        tuple(beats((SPARSE, "Shuffled"), over=(SPARSE, column)) for column in TEXT_USUAL),
    ),
    Claim(
        "torus below shuffled when dense",
        "Without pruning, the torus is slightly less accurate than its shuffled version.",
        "section 4.2, control experiments",
        (beats(("Baseline", "Shuffled"), over=("Baseline", "Torus")),),
    ),
    Claim(
        "torus above shuffled when sparse",
        "At 90 % sparsity toroidal geometry has some advantage over shuffled coefficients.",
        "section 4.2, control experiments",
        (beats((SPARSE, "Torus"), over=(SPARSE, "Shuffled")),),
    ),
    Claim(
        "the lottery works on the torus",
        "Trained from new weights at the final mask of 90 %, the torus is more accurate than L1 and no regularizer.",
        "section 4.2, lottery tickets",
        tuple(beats((LOTTERY, "Torus"), over=(LOTTERY, column)) for column in TEXT_USUAL),
    ),
    Claim(
        "the benefit fades",
        "The benefit degrades at 98 %; read as: the torus's lead over shuffled coefficients is smaller than at 90 %.",
        "section 4.2, moduli spaces",
        (
            Contrast(
                (
                    (SPARSE, "Torus", 1.0),
                    (SPARSE, "Shuffled", -1.0),
                    ("98% sparse", "Torus", -1.0),
                    ("98% sparse", "Shuffled", 1.0),
                )
            ),
        ),
    ),
    Claim(
        "controls conform to the lottery hypothesis",
        "The controls conform to the lottery ticket hypothesis; read as: at 90 % and at 98 % sparsity no regularizer, "
        "L1 and shuffled coefficients are each less accurate from new weights at the final mask than as pruned.",
        "section 4.2, lottery tickets",
        tuple(
            beats((f"{sparsity} sparse", column), over=(f"{sparsity} lottery", column))
            for sparsity in ("90%", "98%")
            for column in CONTROLS
        ),
    ),
)

SPACES = ("Torus", "Circle", "Sphere", "Klein", "6-Torus")

SERIOUS = 3.0  # points: our reading of a clear preference and of a serious improvement

TABLE_5 = (
    Claim(
        "every manifold beats L1",
        "At 90 % sparsity every moduli regularizer is more accurate than L1.",
        "section 4.2, moduli spaces",
        tuple(beats((SPARSE, column), over=(SPARSE, "L1")) for column in SPACES),
    ),
    Claim(
        "every manifold beats no regularizer",
        "At 90 % sparsity every moduli regularizer is more accurate than no regularizer.",
        "section 4.2, moduli spaces",
        tuple(beats((SPARSE, column), over=(SPARSE, "No reg.")) for column in SPACES),
    ),
    Claim(
        "every manifold beats shuffled",
        "At 90 % sparsity every moduli regularizer is more accurate than all controls, shuffled coefficients too.",
        "section 4.2, moduli spaces",
        tuple(beats((SPARSE, column), over=(SPARSE, "Shuffled")) for column in SPACES),
    ),
    Claim(
        "the lottery works on every manifold",
        "Trained from new weights at the final mask of 90 %, every manifold is more accurate than L1 and no "
        "regularizer.",
        "section 4.2, lottery tickets",
        tuple(beats((LOTTERY, column), over=(LOTTERY, other)) for column in SPACES for other in TEXT_USUAL),
    ),
    Claim(
        "no manifold is preferred",
        "There is no clear preference among manifolds; read as: at 90 % sparsity every other manifold is within "
        f"{SERIOUS:g} points of the torus.",
        "section 4.2, moduli spaces",
        tuple(
            contrast
            for column in SPACES[1:]
            for contrast in matches((SPARSE, column), (SPARSE, "Torus"), margin=SERIOUS)
        ),
    ),
    Claim(
        "a lottery beats its parent",
        "Several ab initio sparse networks beat their sparsified parents; read as: each that has the higher mean in "
        "Table 5 does, circle, sphere and 6-torus at 90 %, sphere and Klein bottle at 98 %.",
        "section 4.2, lottery tickets (circle, sphere, Klein bottle, 6-torus), and caption of Table 5",
        (
            *(beats((LOTTERY, column), over=(SPARSE, column)) for column in ("Circle", "Sphere", "6-Torus")),
            *(beats(("98% lottery", column), over=("98% sparse", column)) for column in ("Sphere", "Klein")),
        ),
    ),
    Claim(
        "high fidelity at 98 %",
        "Moduli regularization achieves high fidelity models at 98 % sparsity with a variety of regularizers; read as: "
        f"the accuracy of every manifold stays above 1/{KEPT:g} of that of its unpruned network.",
        "abstract",
        tuple(within(("98% sparse", column), 1 / KEPT, of=("Baseline", column)) for column in SPACES),
    ),
    Claim(
        "no serious improvement over random",
        "Without the true moduli space there are no serious improvements compared to random sparsification; read as: "
        f"at 90 % sparsity no manifold is {SERIOUS:g} points or more above shuffled coefficients.",
        "section 4.2, lottery tickets (last sentences)",
        tuple(Contrast(((SPARSE, "Shuffled", 1.0), (SPARSE, column, -1.0)), margin=SERIOUS) for column in SPACES),
    ),
)

TABLE_9 = (
    Claim(
        "the ring beats the sinusoid",
        "At 90 % sparsity the difference of Gaussians is more accurate than the sinusoid.",
        "caption of Table 9",
        (beats((SPARSE, "Torus"), over=(SPARSE, "Sinusoid")),),
    ),
    Claim(
        "the ring beats diffusion",
        "At 90 % sparsity the difference of Gaussians is more accurate than diffusion.",
        "caption of Table 9",
        (beats((SPARSE, "Torus"), over=(SPARSE, "Diffusion")),),
    ),
    Claim(
        "the ring beats both, lottery",
        "Trained from new weights at the final mask of 90 %, the difference of Gaussians is more accurate than both.",
        "caption of Table 9",
        tuple(beats((LOTTERY, "Torus"), over=(LOTTERY, column)) for column in ("Sinusoid", "Diffusion")),
    ),
)


def _beats_l1(*multiples: str) -> tuple[Contrast, ...]:
    return tuple(
        beats((f"{SPARSE}, strength x {each}", "Torus"), over=(f"{SPARSE}, strength x {each}", "L1"))
        for each in multiples
    )


TABLE_10 = (
    Claim(
        "torus beats L1 at every strength",
        "Over three orders of magnitude of the strength, the torus has a smaller error than L1 at 90 % sparsity.",
        "appendix G; our reading of Table 10, of which the paper draws no conclusion",
        _beats_l1("10", "1", "0.1", "0.01"),
    ),
)

TABLE_11 = (
    Claim(
        "torus beats L1 where it is strong enough",
        "At strength x 1 and at ten times it the torus is more accurate than L1 at 90 % sparsity.",
        "appendix G; our reading of Table 11, of which the paper draws no conclusion",
        _beats_l1("10", "1"),
    ),
    Claim(
        "the working range ends below",
        "At a tenth of strength x 1 the torus is less accurate than at strength x 1.",
        "appendix G; our reading of Table 11, of which the paper draws no conclusion",
        (beats((f"{SPARSE}, strength x 1", "Torus"), over=(f"{SPARSE}, strength x 0.1", "Torus")),),
    ),
)

MODULI = ("Torus", "R3 fixed", "R9 fixed", "Torus trained", "R3 trained", "R9 trained")

ADDING = tuple(
    Claim(
        f"moduli beat {text}",
        f"At 95 % sparsity every moduli regularizer, its embedding fixed or trained, has a smaller error than {text}.",
        "a later version of the paper, which adds this problem; its code",
        tuple(beats(("95% sparse", one), over=("95% sparse", column)) for one in MODULI for column in columns),
    )
    for text, columns in (
        ("L1", ("L1 unit", "L1 matched")),
        ("shuffled", ("Shuffled",)),
        ("no regularizer", ("No reg.",)),
    )
)
