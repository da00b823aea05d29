"""Every threshold of the findings, with its reason. Shares are fractions, accuracies too."""

from __future__ import annotations

EXPLORATORY_LEVEL = 0.01
"""Of tests that explain and prove nothing: they are not corrected for each other, so each is stricter than 0.05."""

SCALE_RATIO = 2.5
"""Standard deviation, median deviation and the deviation within blocks of samples, all so many times those of the test
samples, or this part. Forgotten scalings (16, 255, a standard deviation of images) are beyond it. One alone proves
nothing: of heavy tails (lognormal, σ = 2) the standard deviations of 8000 and 3200 values were twice each other in 16
of 40 draws, and the gains of two subjects' electrodes differ by as much."""

SHIFT, MEDIAN_SHIFT = 1.0, 0.5
"""A mean that is off by a whole standard deviation of the test samples, and a median by half of that."""

ALL_MOVED = 0.15
"""By so much, as a part of it, the shift of a channel's mean may be another than that of all: the means of the colours
of photographs are 104 to 124."""

FITS, OTHERS_FIT = 4.0, 0.9
"""Mean squared difference of a channel's distributions, in squared standard errors, by sampling alone (1 on average, 4
seldom); and how many of the channels in no other unit must show it."""

ROUNDED = 0.001
"""By so much values may be outside of 0 to 1, or −1 to 1, where a resized image was rounded."""

SHARED_SAMPLES = 0.01
"""Test samples that were trained on: from one in a hundred on they can lift an accuracy by the default margin."""

NATURAL_FACTOR, NATURAL_DEVIATIONS = 2.0, 3.0
"""Data that repeat themselves (small integer tables, two numbers a sample) share samples by chance: about as often as
one split repeats, and a count that is by chance varies by its square root."""

ABSENT_BY_CHANCE = 0.001
"""A class that is this unlikely to be missing among the calibration samples by chance was left out."""

STRAY_PREDICTIONS = 0.1
"""So often at most, of what the test samples have, a class that was left out is predicted all the same: a model that
is wrong more often than on one sample in ten has other troubles. Whoever chose a tenth of a class left it out, too."""

OVERFIT, OVERFIT_ERRORS = 0.05, 0.1
"""Accuracy on training samples above that on test samples, by the lower end of the 99 % interval; and the largest part
of the test set's rate of errors that training samples have. Networks that fit their training data have a gap. A model
that has learned samples by heart is hardly ever wrong on them; one that errs on them, too, has a hard task, and a gap
by the way. For targets the same of the explained variance, and of the rest of it."""

OVERFIT_FAR, OVERFIT_FAR_ERRORS = 0.07, 0.25
"""The same of a gap that is wide: a few errors on training samples do not explain it."""

UNSURE = 0.05
"""Accuracy on training samples above the mean certainty about them, where it is above it with certainty (99 %). Where
training ends they are equal; dropout, smoothed labels and stale batch norms leave more, so that more training is asked.
"""

UNSURE_FAR = 0.2
"""The same of the model with new batch-norm statistics, where the control has the stale ones, too."""

LEARNED_ON = 0.007
"""Part of the test loss that each epoch of more training takes away where a model was hardly trained, up to the best
epoch. A trained one's loss falls too, by less: of what is trained on, the best epoch is kept. Seen at a tenth of the
float model's rate, each model at its best temperature: 0.0009 to 0.0034 where models were trained out and the task was
hard (digits with 40 % wrong labels, five classes that overlap, dropout of 0.4; ten seeds each), 0.030 to 0.039 after
one epoch on a plain task (six seeds), 0.0035 to 0.012 after one on the digits with wrong labels (ten seeds)."""

UNSURE_BY_ITSELF = 0.45
"""Certainty over accuracy that shows the same where no model was trained on. After one epoch it was 0.34 to 0.77; the
trained models of hard tasks above left 0.50 to 0.79."""

TIMID = 1.5
"""Rise of the targets over that of their predictions on training samples, by the lower end of the 99 % interval. Where
training ends it is 1; after a first epoch it was 1.9 to 2.9."""

OFF, OFF_BY_ITSELF = 0.5, 1.0
"""Mean error on training samples, in standard deviations of the targets, with certainty (99 %). Where training on the
squared error ends it is 0. Losses that lead to the median leave less than 1, whatever the distribution (Hotelling and
Solomons, Annals of Mathematical Statistics 3, 1932): so does a model of which nobody knows the loss."""

LEARNED_LOSS, GUESSED_LOSS, WRONG_LOSS = 0.5, 0.9, 1.1
"""Loss on training samples over that of guessing by the classes' shares (squared error over variance). Below half of
it a model has learned most of what there is to know; from nine tenths on it hardly knows more than the shares; above it
the model is sure of what is wrong: it has been trained, and something else is the matter (labels, scaling)."""

DIVERGED = 2.0
"""Validation loss after the first epoch over the one before it. A working rate never doubles the loss of a trained
model: fake quantization is in both, dropout in neither."""

WORSE_OFF = 1.25
"""Validation loss after an epoch over the one before training, where the training loss doubled during that epoch. A
rate that is ten times too high destroys within a few steps what an epoch then wins back: the mean over the epoch's
steps still shows it, but dropout alone may double that mean. Dropout has no part in the validation loss, and a working
rate moves that by some per cent an epoch."""

WORSE_AT_FIRST, WON_BACK = 1.1, 1.4
"""The same of the first epoch, where the training loss of the second is so many times lower: it wins back what was
destroyed. What dropout adds to the training loss stays, and a trained model has nothing else to win."""

FIRST_EPOCHS = 3
"""So long the training loss is compared with the one before training; after that with the lowest of the epochs before,
which had the same dropout: a slow rise of the validation loss is overfitting."""

DIVERGED_ABSOLUTE = 0.1
"""And by at least so much more: a loss of 0.001 may double by chance. Cross-entropy (nats) or in units of the loss
before training."""

DIVERGED_MEANWHILE = 0.05
"""The same of the training loss: half as much, as it is a mean over an epoch that won most of it back."""

ORDER_KNOWN = 0.4
"""Agreement of the best model with the labels, beyond chance (kappa, or a correlation), from which its answers say
which sample is which."""

LABELS_LOST = 0.1
"""Agreement of the float model with the labels of one split, beyond chance, below which they are not those of the
samples, if it knows the other split's (`ORDER_KNOWN`)."""

MOVED_CLASS, MOVED_CLASS_ITSELF, MOVED_SAMPLES = 0.5, 0.1, 10
"""Parts of a class's samples that a model answers as one other class, and as itself, where classes were exchanged; and
how many samples there must be of such classes. Confusion goes one way, or leaves more of a class to itself."""

ORDER_LOST = 0.2
"""Agreement of given scores with that model, below which they are of other samples: two models of one task that both
work agree far more, and a model that lost this much no longer answers alike as a whole."""

ORDER_ALIKE = 0.25
"""Largest part of the answers that may be of other classes (total variation) in scores that are those of a model that
works: shuffled scores differ by nothing, those of other samples by chance."""

ORDER_FOUND = 0.8
"""Part of the test samples that nearest rows lead to, from which the order is called found: rows of other samples lead
to 63 % (1 − 1/e, as drawing at random does) or fewer."""

FEW_EPOCHS = 2
"""After one or two epochs nobody can see whether a training has settled, and EMA ranges have seen little."""

FAR_FROM_DONE = 0.1
"""Part of the validation loss that each epoch of the last third took away, in a training whose last epoch was the best;
only if QAT is behind what it is compared with."""

TEST_SET_SHOWS = 0.05
"""The smallest difference that a test set must be able to show to answer questions of the kind that is asked: users
report differences between PTQ and QAT of 3 to 6 points."""

CLIPPED = 0.01
"""Share of a tensor's values on test samples outside of its range."""

BY_CHANCE = 0.001
"""And a share this unlikely where both are samples of the same: with 200 calibration and 500 test samples, one value
each, up to 5 % are outside. Tensors with many values per sample stay far below."""

UNUSED = 0.5
"""Share of an activation's range that no test sample reaches: half unused is one bit lost."""

HEAVY_TAIL, BY_CHANCE_OF_TAILS = 3.0, 0.01
"""Where PTQ is not shown to lose by it, a share this unlikely as well, for tails that fall off with the third power:
tables have such columns, and the largest of 200 values is more than twice that of 200 others in one case of nine."""

CLIPPED_LOST = 0.05
"""Share of values at the ends of a given model's range, whose calibration nobody knows: five times what 200 samples
leave outside of the range of a tensor with one value each, and more than trained clipping gives up."""

CLIPPED_BESIDE = 3.0
"""And so many times that of another int8 model on the same samples, which rules out what the data do by nature."""

UNUSED_LOST = 0.75
"""Share of unused codes of a given model's usual tensor, or of its worst one beside another model's: two bits lost.
Long tails lose one; ranges that nobody chose (±6, another scaling) lose more."""

BAD_SQNR_DB = 15.0
"""An output whose quantization noise has more than 3 % of its power: 8 bits well used give 30 to 40 dB."""

WIDE_CHANNELS = 30.0
"""Range of the widest channel over that of a quarter of the others: these have fewer than 9 of 255 steps (3 bits)."""

TIES = 0.03
"""What another rule may well do to the accuracy: as large as the differences that people ask about (3 to 6 points).
Ties of a few per cent are usual for int8 softmax outputs, and about as many of them turn right as wrong."""

FEW_CALIBRATION_SAMPLES = 50
"""Fewer samples than this seldom reach the ends of an activation's range; 100 to 500 are usual."""

REMAINING_GAIN = 0.5
"""If new batch-norm statistics bring this part of what more training brings, they are the cause."""

STALE_LOSS, STALE_LOSS_LEAST = 0.1, 0.03
"""Part of the test loss that new batch-norm statistics take away where the accuracy does not show it; and the least, as
part of the loss of guessing: a model that is right and sure has hardly any loss, and a fifth of that is nothing. Of two
trained networks with momenta of 0.9 and 0.99 (six seeds each) they took 0.22 and 0.010 at most; after one epoch 0.12
and 0.12 at least."""
