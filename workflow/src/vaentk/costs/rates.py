"""How sizes become seconds and bytes: measured on two CPU cores, or said to be assumed."""

MB = 1 << 20
MINUTE = 60

START = 3.5
"""Seconds that a job with torch takes before it computes."""

PRODUCTS, CONVOLUTIONS = 62e9, 30e9
"""Floating-point operations a second, on one core: of large matrix products, of the update of a
convolutional VAE."""

DEEP, CHANNELS = 19e9, 128
"""The same of a deep VAE's gradient with up to so many channels; with more in proportion."""

STEP, PASS, ITERATION = 2e-4, 0.013, 4e-4
"""Seconds of a step that do not grow with the network: of a width, a deep VAE, a linear VAE."""

CODE, LATENT, EIGENVALUES = 1550, 1400, 1240
"""Operations that take as long as a linear VAE's code, by its data's and latent dimensions; as a
function of one unit of the latent; as extreme eigenvalues of a finite kernel, over ``n d m``."""

DRAWN, UPDATE = 5e-4, 3e-3
"""Seconds of a step with sampled noise, and of an update of a fully connected VAE of images or of
half of one, that do not grow with the network."""

OUTPUT_BYTES = {"float32": 49.0, "tf32": 49.0, "bfloat16": 27.0}
WEIGHT_BYTES, FEW_WEIGHT_BYTES = 112.0, 48.0
"""Bytes that an update of a VAE of images reads and writes on a GPU: for every output of a layer,
by precision, and for every weight, of a deep VAE, whose batch is taken in halves, and of
Figure 3's. Counted; Adam's 28 a weight are in."""

MATRIX_BYTES = 80.0
"""Bytes that a gradient of Figure 2 reads and writes for every weight of a layer. Counted: each
matrix is read or written 20 times."""

MOMENTS, KERNELS = 35, 8
"""Of a width: observations, and kernels along training."""

FEWEST, STIFF = 100.0, 5.3
"""Gradients of a flow: at least, and over the square root of its time at the fastest rate."""

SLOWEST = {7: (1.4e4, 2.4), 14: (2034.0, 2.0), 28: (905.0, 1.65)}
"""``n / lambda_0`` of 64 class-balanced digits with erf at sigma0 = 0.5, and its power of n, by
pixels a side: how long a width trains, so that a plan needs no data."""

SLOWER = {"softplus": 3.6, "soft_clipping": 2.5, "tanh": 1.4, "sigmoid": 30.0}
"""The same of other activations, in units of erf's; the rest are like erf."""

STEEPEST, CENTRED = {7: 4.1, 14: 5.4, 28: 6.3}, 20.0
"""Stability limit of an infinitely wide network on them; on principal components, with no mean."""

STRETCHED, FLATTENED = 0.2, 0.007
"""Largest and smallest nonzero eigenvalue of (1/n) X^T X, of unit-norm principal components."""

QUADRATURE = 5
"""What an activation without a closed smoothing, one of those above, takes over erf."""

ENCODED = 1 / 6
"""Part of an update that encoding takes."""

WEIGHTED = 3.5e-8
"""Seconds of a number of noise in an importance-weighted gradient of the linear VAE."""

MEASURED, SHOWN, UNKNOWN = 4.0, 3.0, 600.0
"""Seconds of measuring a run where nothing below says more; of a job that shows, decides or
reports; of a training that is not known here, which is assumed."""

PREDICTED, DISCOVERED, DECOMPOSED = 1e-7, 1.2e-3, 3e-10
"""Seconds of predicting a member's training by its kernel, over ``n d m``; of a face that probes of
a network learn from; of a kernel's eigenvectors, over ``n^3``."""

EXACT = 4e-4
"""Seconds of an iteration of one run with an exact gradient."""

SCORED, BOOSTED = 1.2e-6, 6e-5
"""Seconds of scoring a unit of a network by Figure 3's four metrics, over the points that they
learn from; of DCI, over its trees and the values of all factors."""

FACE, PHOTOGRAPH = 1.2e-3, 3e-3
"""Seconds of drawing a face; of reading a photograph of CelebA, assumed."""

LIBRARIES, DRIVER = 1250 * MB, 3000 * MB
"""What a process with torch holds before it has data, pages of its libraries included; what CUDA
adds to it, assumed."""
