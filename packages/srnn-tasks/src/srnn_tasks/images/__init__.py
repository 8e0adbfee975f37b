"""Image classification over time: the pixels of an image arrive as a sequence, and its class is read at the end.

The class depends on pixels from the whole sequence, so the task tests memory over 28 (rows) or 784 (pixels) steps.
"""

from ._mnist_files import Mnist as Mnist
from ._mnist_files import fingerprint as fingerprint
from ._mnist_files import load_mnist as load_mnist
from ._mnist_files import locate_mnist as locate_mnist
from ._mnist_files import read_idx as read_idx
from ._sequential_mnist import SequentialMNIST as SequentialMNIST
from ._sequential_mnist import SequentialMNISTSource as SequentialMNISTSource

__all__ = ["Mnist", "SequentialMNIST", "SequentialMNISTSource", "fingerprint", "load_mnist", "locate_mnist", "read_idx"]
