"""A trainer whose steps draw the views of their cells themselves, on the device that computes the step."""

from __future__ import annotations

from typing import Any

import keras

from leukemia_tf.config import Augmentation
from leukemia_tf.data.step_augmentation import augment_in_step
from leukemia_tf.models.network import logit_model


@keras.saving.register_keras_serializable("leukemia_tf")
class AugmentedSteps(keras.Model):
    """A network up to its logit that takes cells with their draws in training, and cells alone otherwise."""

    augmentation = Augmentation()

    def train_step(self, data: tuple) -> dict[str, Any]:
        """Draw the views of ((uint8 [n, size, size, 3], rows of draws), targets, weights), and step."""
        (cells, draws), *rest = data
        return super().train_step((augment_in_step(cells, draws, self.augmentation), *rest))


def augmented_steps(model: keras.Model, settings: Augmentation) -> keras.Model:
    """Return the network up to its logit, on the same layers; its steps draw random views of their cells."""
    trainer = AugmentedSteps(model.input, logit_model(model).output)
    trainer.augmentation = settings
    return trainer
