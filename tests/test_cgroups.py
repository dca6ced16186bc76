"""Limits of control groups are found where containers, SLURM's jobs and systemd's services have them."""

from __future__ import annotations

from pathlib import Path

import pytest

from LungUNetSegLib import cgroups

GB = 1_000_000_000
NO_LIMIT = "9223372036854771712"  # as version 1 says it


@pytest.fixture
def groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in place of /sys/fs/cgroup."""
    monkeypatch.setattr(cgroups, "ROOT", tmp_path)
    monkeypatch.setattr(cgroups, "OWN", tmp_path / "own")
    return tmp_path


def write(folder: Path, **files: object) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_text(f"{content}\n")


def test_a_container_has_its_limits_at_the_root(groups: Path) -> None:
    write(groups, own="0::/", cpu__max="150000 100000", memory__max=4 * GB, memory__current=GB)
    assert cgroups.cpu_limit() == 1.5
    assert cgroups.memory_left() == 3 * GB


def test_a_job_of_slurm_has_its_limits_in_a_group_of_its_own(groups: Path) -> None:
    """Protects a job of 4 GB on a machine of 500 GB: so many processes were started that the system ended them.

    The group around the process has no limit, the job's has; files in memory (of 2 GB taken, half) are free on demand.
    """
    job = groups / "system.slice" / "slurmstepd.scope" / "job_7"
    write(groups, own="0::/system.slice/slurmstepd.scope/job_7/step_batch/user/task_0")
    write(job / "step_batch" / "user" / "task_0", memory__max="max", cpu__max="max 100000", memory__current=0)
    write(job, memory__max=4 * GB, memory__current=2 * GB, cpu__max="800000 100000")
    write(job, memory__stat=f"anon {GB}\nactive_file {GB // 4}\ninactive_file {GB // 4 * 3}")
    assert cgroups.memory_left() == 3 * GB
    assert cgroups.cpu_limit() == 8


def test_version_1_has_a_tree_for_each_kind(groups: Path) -> None:
    """As SLURM 22.05 made it: the step's limit is none, the job's is 4 GB, in the tree of memory alone."""
    write(groups, own="4:memory:/slurm_n/uid_0/job_2/step_batch\n2:cpu,cpuacct:/docker/1f\n1:name=systemd:/\n0::/")
    step = groups / "memory" / "slurm_n" / "uid_0" / "job_2" / "step_batch"
    write(step, memory__limit_in_bytes=NO_LIMIT, memory__usage_in_bytes=GB)
    write(step.parent, memory__limit_in_bytes=4 * GB, memory__usage_in_bytes=2 * GB)
    write(step.parent, memory__stat=f"active_file 0\ntotal_active_file 0\ntotal_inactive_file {GB}")
    write(groups / "memory", memory__limit_in_bytes=NO_LIMIT, memory__usage_in_bytes=9 * GB)
    # A container does not see the outer part of its own path: its group is the root of what it sees.
    write(groups / "cpu", cpu__cfs_quota_us=200_000, cpu__cfs_period_us=100_000)
    assert cgroups.memory_left() == 3 * GB
    assert cgroups.cpu_limit() == 2
    write(groups / "cpu", cpu__cfs_quota_us=-1)
    assert cgroups.cpu_limit() is None


def test_no_limit_where_there_is_none(groups: Path) -> None:
    assert cgroups.cpu_limit() is None and cgroups.memory_left() is None  # no Linux
    write(groups, own="0::/user.slice")
    assert cgroups.cpu_limit() is None and cgroups.memory_left() is None
