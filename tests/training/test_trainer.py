"""The loop learns, stops, goes on exactly where it was, and refuses what cannot come to a good end."""

from __future__ import annotations

import dataclasses
import json
import logging
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from LungUNetSegLib.data.dataset import Batch
from LungUNetSegLib.data.pathology import PathologyConfig
from LungUNetSegLib.data.sampled_views import ViewConfig
from LungUNetSegLib.data.sampling import SamplingConfig
from LungUNetSegLib.data.transforms import AugmentConfig
from LungUNetSegLib.errors import ConfigError, DataError, ModelError
from LungUNetSegLib.networks import UNetConfig
from LungUNetSegLib.training.averaging import move_average
from LungUNetSegLib.training.checkpoint import Checkpoint, load_checkpoint
from LungUNetSegLib.training.config import TrainingConfig
from LungUNetSegLib.training.history import best_epoch
from LungUNetSegLib.training.optimiser import convolution_weights, learning_rate, make_optimiser
from LungUNetSegLib.training.scores import Scores
from LungUNetSegLib.training.trainer import Trainer

MakeTrainer = Callable[..., Trainer]

EVERYTHING_RANDOM: dict[str, Any] = {
    "sampling": SamplingConfig(slices_per_epoch=12, slab_probability=0.5, slab_mm=100.0),
    "augment": AugmentConfig(),
    "pathology": PathologyConfig(),
    "views": ViewConfig(per_case=4),
    "network": UNetConfig(in_channels=3, out_channels=2, features_per_stage=(4, 8), dropout=0.3),
    "average_decay": 0.9,
    "schedule": "cosine",
    "warmup_epochs": 1.5,
    "l2": 0.01,
    "gradient_clip": 1.0,
    "channels_last": True,
    "half_size_share": 0.7,
}


def assert_same_state(ours: Checkpoint, theirs: Checkpoint) -> None:
    for name in ("network", "average"):
        first, second = getattr(ours, name), getattr(theirs, name)
        assert first.keys() == second.keys()
        assert all(torch.equal(first[key], second[key]) for key in first), name
    for key, state in ours.optimiser["state"].items():
        assert all(torch.equal(value, theirs.optimiser["state"][key][name]) for name, value in state.items())


def without_times(checkpoint: Checkpoint) -> list[dict[str, float]]:
    return [{k: v for k, v in row.items() if k not in ("seconds", "slices_per_s")} for row in checkpoint.history]


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_a_resumed_training_is_bit_for_bit_an_uninterrupted_one(
    make_trainer: MakeTrainer, tmp_path, monkeypatch: pytest.MonkeyPatch, precision: str
) -> None:
    """With the moving average, the history and float16's loss scale."""
    monkeypatch.setattr("LungUNetSegLib.training.device._has", lambda dtype, device: True)  # slow will do here
    settings = EVERYTHING_RANDOM | {"precision": precision, "epochs": 4}
    whole = make_trainer(tmp_path / "whole", **settings).run()

    def stop_after_two(row: object) -> None:
        if interrupted.epoch == 2:
            raise KeyboardInterrupt

    interrupted = make_trainer(tmp_path / "parts", **settings)
    interrupted.on_epoch = stop_after_two
    with pytest.raises(KeyboardInterrupt):
        interrupted.run()
    torch.manual_seed(12345)  # nothing may hang on a running state
    resumed = make_trainer(tmp_path / "parts", **settings)
    resumed.resume(load_checkpoint(tmp_path / "parts" / "last.pt"))
    parts = resumed.run()
    assert_same_state(parts, whole)
    assert_same_state(load_checkpoint(tmp_path / "parts" / "last.pt"), whole)
    assert without_times(parts) == without_times(whole)
    assert parts.scaler == whole.scaler and bool(whole.scaler) == (precision == "float16")
    assert len((tmp_path / "parts" / "history.jsonl").read_text(encoding="utf-8").splitlines()) == 4


def test_one_phantom_can_be_overfitted(make_trainer: MakeTrainer) -> None:
    """Protects the whole chain: targets beside their slices, sides, loss, optimiser, average."""
    network = UNetConfig(in_channels=3, out_channels=2, features_per_stage=(8, 16, 32), dropout=0.0)
    trainer = make_trainer(validated=False, network=network, epochs=80, batch_size=2, average_decay=0.9)
    trainer.validation = trainer.training
    state = trainer.run()
    assert state.history[-1]["val_dsc"] > 0.95
    assert state.history[-1]["val_accuracy"] > 0.99
    assert state.history[-1]["val_loss"] < state.history[0]["val_loss"] / 3


@pytest.mark.parametrize(("share", "halved"), [(0.0, 0), (0.4, 1), (0.6, 2), (1.0, 3)])
def test_the_first_epochs_show_slices_at_half_their_size(make_trainer: MakeTrainer, share: float, halved: int) -> None:
    """Of three epochs, to the nearest whole one."""
    trainer = make_trainer(epochs=3, half_size_share=share)
    heights, step = [], trainer.learner.step

    def watched_step(batch: Batch) -> Any:
        heights.append(batch.hu.shape[2])
        return step(batch)

    trainer.learner.step = watched_step
    trainer.run()
    whole, steps = trainer.config.preprocess.size[0], trainer.training.steps(trainer.config.batch_size)
    assert heights == [whole // 2] * halved * steps + [whole] * (3 - halved) * steps


def test_trained_weights_see_whole_slices_from_the_start() -> None:
    """Protects fine-tuning and `start_from` with a preset: slices at half their size would only spoil the weights."""
    assert TrainingConfig(epochs=100, half_size_share=0.55).half_size_epochs == 55
    assert TrainingConfig(epochs=100, half_size_share=0.55, start_from="lungs").half_size_epochs == 0


def test_one_channel_learns_both_lungs_as_one(make_trainer: MakeTrainer) -> None:
    network = UNetConfig(in_channels=3, out_channels=1, features_per_stage=(8, 16, 32), dropout=0.0)
    trainer = make_trainer(validated=False, network=network, epochs=20, batch_size=2)
    trainer.validation = trainer.training
    assert trainer.run().history[-1]["val_dsc"] > 0.9


def test_every_epoch_leaves_checkpoints_and_history(make_trainer: MakeTrainer, tmp_path) -> None:
    state = make_trainer(epochs=3).run()
    out = tmp_path / "out"
    assert {path.name for path in out.iterdir()} == {"last.pt", "best.pt", "history.csv", "history.jsonl"}
    assert load_checkpoint(out / "last.pt").epoch == 3
    assert load_checkpoint(out / "best.pt").epoch == best_epoch(state.history)
    rows = [json.loads(line) for line in (out / "history.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    scores = {f"{part}_{score}" for part in ("train", "val") for score in ("loss", "accuracy", "dsc", "false_alarms")}
    assert set(rows[0]) == scores | {"epoch", "learning_rate", "seconds", "slices_per_s"}
    assert len((out / "history.csv").read_text(encoding="utf-8").splitlines()) == 4


def test_progress_and_log_say_how_far_and_how_long_yet(
    make_trainer: MakeTrainer, caplog: pytest.LogCaptureFixture
) -> None:
    trainer, calls = make_trainer(), []
    trainer.progress = lambda *call: calls.append(call)
    with caplog.at_level(logging.INFO):
        trainer.run()
    epoch = [("train", 1, 2), ("train", 2, 2), ("validate", 4, 8), ("validate", 8, 8)]
    assert calls == epoch * 2
    assert [record.getMessage().split(":")[0] for record in caplog.records] == [
        "Epoch 1 of 2 (0 min left)",
        "Epoch 2 of 2 (0 min left)",
    ]
    assert all("train_dsc" in record.getMessage() and "val_dsc" in record.getMessage() for record in caplog.records)


def test_without_validation_the_last_is_the_best(make_trainer: MakeTrainer, tmp_path) -> None:
    make_trainer(validated=False).run()
    assert load_checkpoint(tmp_path / "out" / "best.pt").epoch == 2


def test_patience_ends_a_training_that_no_longer_improves(make_trainer: MakeTrainer) -> None:
    trainer = make_trainer(epochs=50, patience=3)
    values = iter([0.1, 0.5, 0.4, 0.5, 0.3, 0.9])
    trainer._validate = lambda: {"val_loss": 1.0, "val_accuracy": 0.5, "val_dsc": next(values)}
    assert trainer.run().epoch == 5


def test_best_epoch_prefers_the_first_of_equals_and_never_nan() -> None:
    def history(*scores: float) -> list[dict[str, float]]:
        return [{"val_dsc": score} for score in scores]

    assert best_epoch([]) == 0
    assert best_epoch(history(0.2, 0.7, 0.7)) == 2
    assert best_epoch(history(math.nan, 0.0, math.nan)) == 2
    assert best_epoch(history(math.nan, math.nan)) == 2


@pytest.mark.parametrize(
    ("schedule", "epoch", "expected"),
    [("constant", 7.0, 1.0), ("cosine", 2.0, 0.5 * (1 + math.cos(0.4 * math.pi))), ("cosine", 5.0, 0.0)],
)
def test_learning_rate_by_hand(schedule: Any, epoch: float, expected: float) -> None:
    config = TrainingConfig(epochs=5, learning_rate=1.0, schedule=schedule, warmup_epochs=2.0)
    assert learning_rate(config, epoch) == pytest.approx(expected)


def test_the_rate_rises_linearly_from_above_zero() -> None:
    config = TrainingConfig(epochs=5, learning_rate=1.0, schedule="constant", warmup_epochs=2.0)
    assert 0 < learning_rate(config, 0.0) < 0.01
    assert learning_rate(config, 1.0) == pytest.approx(0.5, abs=0.001)


def test_regularisation_acts_on_convolution_weights_alone() -> None:
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
    assert [tuple(weight.shape) for weight in convolution_weights(network)] == [(2, 1, 3, 3)]
    for name, kind in (("adam", torch.optim.Adam), ("adamw", torch.optim.AdamW)):
        optimiser = make_optimiser(network, TrainingConfig(optimiser=name, l2=0.1))
        assert isinstance(optimiser, kind)
        assert [group["weight_decay"] for group in optimiser.param_groups] == [0.1, 0.0]


@pytest.mark.parametrize("setting", [{"l1": 0.02}, {"l2": 0.5, "optimiser": "adam"}])
def test_regularisation_makes_weights_smaller(make_trainer: MakeTrainer, setting: dict[str, Any]) -> None:
    def size(state: Checkpoint) -> float:
        return sum(float(value.abs().sum()) for value in state.network.values() if value.dim() > 1)

    assert size(make_trainer(epochs=4, **setting).run()) < 0.9 * size(make_trainer(epochs=4).run())


def test_the_average_by_hand(make_trainer: MakeTrainer) -> None:
    """After warm-up, average = decay * average + (1 - decay) * weights; counters are copied."""
    trainer = make_trainer(average_decay=0.75)
    assert trainer.learner.average is not None
    for ours, theirs in zip(trainer.learner.average.parameters(), trainer.learner.network.parameters(), strict=True):
        ours.data.fill_(1.0)
        theirs.data.fill_(3.0)
    move_average(trainer.learner.average, trainer.learner.network, 0.75, step=1_000_000)
    assert all(torch.equal(each, torch.full_like(each, 1.5)) for each in trainer.learner.average.parameters())


def test_the_average_is_what_is_validated_and_used(make_trainer: MakeTrainer) -> None:
    state = make_trainer(average_decay=0.99).run()
    assert state.weights is state.average
    assert make_trainer().run().average is None


def test_scores_by_hand() -> None:
    """2 x 2 pixels: in one lung a hit, a false alarm, a miss, and one undecided; two empty ones, one found."""
    logits = torch.tensor([[[[5.0, 5.0], [-5.0, -5.0]], [[-5.0, -5.0], [-5.0, -5.0]], [[5.0, -5.0], [-5.0, -5.0]]]])
    target = torch.tensor([[[[0.9, 0.1], [0.5, 1.0]], [[0.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]]])
    valid = torch.tensor([[[[1.0, 1.0], [1.0, 0.0]]]])
    scores = Scores()
    scores.add(torch.tensor(0.25), logits, target, valid)
    row = scores.row("val")
    assert row["val_loss"] == 0.25
    assert row["val_dsc"] == pytest.approx(2 * 1 / (2 * 1 + 1 + 1))
    assert row["val_false_alarms"] == 0.5
    assert row["val_accuracy"] == pytest.approx((1 / 3 + 3 / 3 + 2 / 3) / 3)


def test_a_batch_larger_than_the_set_is_refused(make_trainer: MakeTrainer) -> None:
    with pytest.raises(DataError, match="batch of 9 is larger than the set of 8 slices; lower batch_size"):
        make_trainer(batch_size=9)


def test_a_loss_that_explodes_is_said_at_once(make_trainer: MakeTrainer, monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = make_trainer()
    with torch.no_grad():
        next(iter(trainer.learner.network.parameters())).fill_(math.nan)
    with pytest.raises(DataError, match="loss became nan; lower learning_rate"):
        trainer.run()


def test_a_checkpoint_of_other_settings_data_or_network_is_refused(make_trainer: MakeTrainer) -> None:
    state = make_trainer().run()
    with pytest.raises(ModelError, match="other settings"):
        make_trainer(seed=1).resume(state)
    with pytest.raises(ModelError, match="other data"):
        make_trainer(validated=False).resume(state)
    wide = UNetConfig(in_channels=3, out_channels=2)
    wider = dataclasses.replace(state, network=make_trainer(network=wide).checkpoint().network)
    with pytest.raises(ModelError, match="another network"):
        make_trainer().resume(wider)


@pytest.mark.parametrize(
    "spoilt",
    [
        {"network": {"weight": 1}},
        {"average": None},
        {"average": {}},
        {"optimiser": {}},
        {"optimiser": {"state": {}, "param_groups": [3]}},
        {"history": [{}, {}]},
        {"history": [1, 2]},
    ],
)
def test_a_checkpoint_with_something_else_inside_is_refused_before_training(
    make_trainer: MakeTrainer, spoilt: dict[str, Any]
) -> None:
    state = make_trainer(average_decay=0.9).run()
    with pytest.raises(ModelError, match="The checkpoint"):
        make_trainer(average_decay=0.9).resume(dataclasses.replace(state, **spoilt))


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_a_training_can_be_made_longer_but_not_shorter(make_trainer: MakeTrainer, schedule: str) -> None:
    """What the paper's 20 epochs after its 10 need; the epochs that are done stay as they were."""
    short = make_trainer(schedule=schedule).run()
    trainer = make_trainer(schedule=schedule, epochs=3, patience=9)
    trainer.resume(short)
    longer = trainer.run()
    assert longer.epoch == 3 and longer.history[:2] == short.history
    with pytest.raises(ModelError, match="epochs was 2, not 1"):
        make_trainer(schedule=schedule, epochs=1).resume(short)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("epochs", 0),
        ("batch_size", 0),
        ("learning_rate", 0.0),
        ("alpha", 1.5),
        ("half_size_share", 1.5),
        ("average_decay", 1.0),
        ("l1", -1.0),
        ("l2", math.nan),
        ("network", UNetConfig(in_channels=3, out_channels=3)),
    ],
)
def test_settings_out_of_range_are_named(setting: str, value: Any) -> None:
    with pytest.raises(ConfigError, match="wants 1" if setting == "network" else setting):
        TrainingConfig(**{setting: value})
