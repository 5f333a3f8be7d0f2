#!/usr/bin/env bash
# On demand: a SLURM of one node on this computer, and in it what README says of clusters: a training by srun, a stop signal ahead of the time
# limit, a job array of maps. Needs root, Debian's slurmctld, slurmd, slurm-client and munge, and a meltcore with the feature mpi.
#
#   tools/slurm_check.sh [PROGRAM]        default: target/release/meltcore
#
# All its files are in a temporary folder, its daemons end with it.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
program=$(realpath -- "${1:-target/release/meltcore}")
work=$(mktemp -d)
chmod 755 "$work"
daemons=()
end() {
  for process in "${daemons[@]}"; do kill "$process" 2>/dev/null || true; done
  sleep 1
  rm -rf "$work"
}
trap end EXIT

host=$(hostname -s)
# Some VMs and containers have no key of munge yet, nor the folder of its socket.
if [ ! -e /etc/munge/munge.key ]; then
  dd if=/dev/urandom of=/etc/munge/munge.key bs=1 count=1024 2>/dev/null
  chown munge: /etc/munge/munge.key && chmod 400 /etc/munge/munge.key
fi
if ! munge -n >/dev/null 2>&1; then
  mkdir -p /run/munge && chown munge: /run/munge
  runuser -u munge -- munged --foreground 2>/dev/null & daemons+=($!)
  sleep 1
fi
export SLURM_CONF=$work/slurm.conf
cat > "$SLURM_CONF" <<CONF
ClusterName=check
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmctldPort=16817
SlurmdPort=16818
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
MpiDefault=pmix
KillWait=5
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) State=UNKNOWN
PartitionName=all Nodes=$host Default=YES MaxTime=INFINITE State=UP OverSubscribe=FORCE:4
CONF
mkdir -p "$work/state" "$work/spool"
slurmctld -D >"$work/slurmctld.log" 2>&1 & daemons+=($!)
slurmd -D -N "$host" >"$work/slurmd.log" 2>&1 & daemons+=($!)
for _ in $(seq 60); do
  if sinfo -h -o %t 2>/dev/null | grep -q idle; then break; fi
  sleep 0.5
done
sinfo || { tail "$work"/*.log; exit 1; }

cd "$work"
"$program" synth -q --out d --size 64x64 --days 18
keys=(--config d/config.yaml --device host)
for set in "in_keys=[pmw, mar_wa1]" "img_size=[32, 32]" base_channels=2 batch_size=2 accumulate_steps=2 prediction_stride=16 periodical_evaluation=false; do
  keys+=(--set "$set")
done
train() { "${@:3}" "$program" train "${keys[@]}" --set "epochs=$2" --set "path_checkpoints=$work/$1"; }
same() { cmp "$1/last/model.safetensors" "$2/last/model.safetensors" && cmp "$1/best.safetensors" "$2/best.safetensors"; }

echo "== alone, and two ranks of srun"
train alone 3 env 2>/dev/null
srun -n 2 --overcommit "$program" train "${keys[@]}" --set epochs=3 --set "path_checkpoints=$work/two" --mpi -q
same alone two && echo "the same bits"

echo "== two ranks of srun without --mpi"
if srun -n 2 --overcommit "$program" train "${keys[@]}" --set "path_checkpoints=$work/none" -q; then exit 1; else echo "refused with status $?"; fi

echo "== USR1 to the ranks of a job, then its next one"
cat > train.sbatch <<JOB
#!/bin/bash
srun -n 2 --overcommit $program train $(printf '%q ' "${keys[@]}") --set epochs=5000 --set path_checkpoints=$work/stopped --mpi --resume auto
JOB
job=$(sbatch --parsable -n 2 --overcommit -o "$work/train.out" train.sbatch)
until [ -e stopped/log.jsonl ] && [ "$(wc -l < stopped/log.jsonl)" -gt 4 ]; do sleep 0.1; done
scancel --signal=USR1 "$job"
while squeue -h -j "$job" 2>/dev/null | grep -q .; do sleep 0.2; done
grep -E "stopped|error|exit" train.out
done_epochs=$(($(wc -l < stopped/log.jsonl) - 1))
srun -n 2 --overcommit "$program" train "${keys[@]}" --set "epochs=$((done_epochs + 2))" --set "path_checkpoints=$work/stopped" --mpi --resume auto -q
train straight $((done_epochs + 2)) env 2>/dev/null
same straight stopped && echo "the same bits"

echo "== a job array of maps"
maps=("$program" predict "${keys[@]}" --split all --weights "$work/alone/best.safetensors")
"${maps[@]}" --out one -q
cat > maps.sbatch <<JOB
#!/bin/bash
$(printf '%q ' "${maps[@]}") --shard slurm --out $work/parts
JOB
job=$(sbatch --parsable --array=0-2 -n 1 -o "$work/maps-%a.out" maps.sbatch)
while squeue -h -j "$job" 2>/dev/null | grep -q .; do sleep 0.2; done
grep -h "maps of the" maps-*.out
"${maps[@]}" --out parts 2>&1 | grep finished
diff -r one parts && echo "the same bytes"
