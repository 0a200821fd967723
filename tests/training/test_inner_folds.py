"""Inner folds: every training cell predicted by a network that never saw its patient; the network is left as it was."""

from dataclasses import replace

import numpy as np
import pytest

from leukemia_tf.config import Augmentation
from leukemia_tf.data.balance import Sampling
from leukemia_tf.models.heads import Head
from leukemia_tf.training.checkpoints import network_variables
from leukemia_tf.training.inner_folds import out_of_fold_scores, share_features, train_inner_folds
from leukemia_tf.training.stages import Stage
from leukemia_tf.training.trainer import train_stages

LINEAR = Head(pooling="mean-std", depths=2, units=(), dropout=0.3, standardize=True, l2=0.01)
HEAD = Stage("head", (), 1e-2, 2, schedule="cosine")
FOLDS = (("train0", "train3"), ("train1", "train4"), ("train2", "train5"))


def without_validation(job):
    """The job with no validation cells, as a run with inner folds has it."""
    nobody = np.zeros(8, bool)
    return replace(
        job,
        examples=lambda part, size: (
            job.examples(part, size) if part == "train" else job.examples("val", size).select(nobody)
        ),
    )


@pytest.mark.parametrize("cached", [True, False])
def test_each_fold_is_predicted_as_by_a_training_without_it(make_job, cached):
    """The oracle trains on the other patients' cells alone, by the same stage."""
    sampling = Sampling(augment=Augmentation(noise=(1.0, 3.0)) if cached else Augmentation(dihedral=False))
    job = without_validation(make_job(head=LINEAR, sampling=sampling, cache_features=cached))
    before = [variable.numpy() for variable in network_variables(job.network.model)]
    shared = share_features(job, HEAD)
    assert (shared is not None) == cached
    logits = train_inner_folds(replace(job, shared=shared), HEAD, FOLDS)
    for value, variable in zip(before, network_variables(job.network.model), strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)
    assert not job.history_path.exists()
    assert not job.state_folder.exists()

    whole = job.examples("train", 60)
    for patients in FOLDS:
        held_out = np.isin(whole.patients, patients)
        parts = {"train": whole.select(~held_out), "val": whole.select(held_out)}
        seen = []
        alone = replace(
            make_job(f"oracle{patients[0]}", head=LINEAR, sampling=sampling, cache_features=cached),
            examples=lambda part, size: parts[part],  # noqa: B023
            score=lambda labels, probabilities, patients: seen.append(probabilities) or {},  # noqa: B023
        )
        train_stages(alone, [HEAD])
        np.testing.assert_allclose(1 / (1 + np.exp(-logits[:, held_out])), np.stack(seen), rtol=1e-5)


def test_all_folds_and_the_stage_itself_draw_from_one_store(make_job):
    job = without_validation(make_job(head=LINEAR, sampling=Sampling(augment=Augmentation(noise=(1.0, 3.0)))))
    shared = share_features(job, HEAD)
    computed = []
    compute = shared._compute
    shared._compute = lambda indices, views, title: (
        computed.extend(zip(indices, views)),
        compute(indices, views, title),
    )
    train_inner_folds(replace(job, shared=shared), HEAD, FOLDS)
    train_stages(replace(job, shared=shared), [HEAD])
    assert 0 < len(computed) == len(set(computed)) <= 4 * 22


def test_history_has_the_scores_out_of_fold_where_there_are_no_validation_cells(make_job):
    job = without_validation(make_job(head=LINEAR))
    logits = train_inner_folds(job, HEAD, FOLDS)
    scores = out_of_fold_scores(job, logits)
    rows = train_stages(replace(job, out_of_fold=scores), [HEAD, replace(HEAD, name="more", learning=("block3",))])
    assert [row.get("val_loss") for row in rows] == [scores[0]["val_loss"], scores[1]["val_loss"], None, None]
    labels, p = job.examples("train", 60).labels, 1 / (1 + np.exp(-logits[1]))
    assert scores[1]["val_loss"] == pytest.approx(-np.mean(np.log(np.where(labels == 1, p, 1 - p))))
    assert scores[1]["val_auroc"] == pytest.approx(p[labels == 1].mean() - p[labels == 0].mean())
