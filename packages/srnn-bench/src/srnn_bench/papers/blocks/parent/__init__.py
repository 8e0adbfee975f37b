"""Parent and child: a model learns on many tasks which densities suit a block RNN, and proposes them for a new one.

arXiv 2509.15057 names this use of its studies and shows no numbers. Here ten tasks with two numbers of weights each give
20 groups of 50 random networks (`draws`). A parent learns from them the rank of a network within its group by features
without scale, and proposes the best predicted of 2,000 random networks for a task that it did not learn from; the
network proposed is the child. `proposals.json` holds the proposals, so that they are known before they are trained.
"""
