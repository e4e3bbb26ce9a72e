#!/bin/sh
# tests/slurm.sh COMMAND…: runs a command beside a private Slurm cluster of one node, this machine, and ends the cluster.
#
#     tests/slurm.sh sh -c 'sbatch --wrap "echo hello" && squeue'
#
# The command finds the cluster by the variable SLURM_CONF, so that sbatch, squeue, scontrol and scancel work in it. Needs
# the Debian packages slurm-wlm and munge, and nothing of their configuration: munged, slurmctld and slurmd listen on the
# loopback only, run as the user who calls this script (root or any other), and keep all files in a temporary folder, which
# is removed at the end. No systemd and no cgroups are needed. The exit status is that of the command; 77 if Slurm is not
# installed; 1 if it cannot be started, with the ends of its logs.
#
# Variables: RONDO_SLURM_CPUS, the processors of the node (default: those of the machine; more are only claimed), and
# RONDO_SLURM_MAX_ARRAY, the setting MaxArraySize (default 1001, as Slurm's).
set -eu
PATH=$PATH:/usr/sbin:/sbin # munged, slurmctld and slurmd
for program in munged slurmctld slurmd sbatch squeue scontrol; do
    command -v $program >/dev/null || { echo "slurm.sh: $program is not installed (Debian: slurm-wlm)" >&2; exit 77; }
done
[ $# -gt 0 ] || { echo "usage: slurm.sh COMMAND [ARGUMENT]…" >&2; exit 2; }

# The name of a Unix socket has at most 107 bytes, so a long TMPDIR is not used.
folder=$(mktemp -d /tmp/rondo-slurm-XXXXXX)
host=$(hostname -s)
user=$(id -un)
munged_id='' controller_id='' node_id=''

# Ends what was started, the jobs first, and by process ids only.
finish() {
    trap - EXIT INT TERM HUP
    [ -z "$node_id" ] || { scancel --user="$user" --full || true; } 2>/dev/null
    for id in $node_id $controller_id $munged_id; do
        kill "$id" 2>/dev/null && wait "$id" || true
    done 2>/dev/null
    rm -rf "$folder"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

fail() {
    echo "slurm.sh: $1" >&2
    for log in munged slurmctld slurmd; do
        [ ! -s "$folder/$log.log" ] || { echo "--- $log"; tail -n 15 "$folder/$log.log"; } >&2
    done
    exit 1
}

# wait_for WHAT ID COMMAND…: repeats the command until it succeeds, for at most 20 seconds, and while the process lives.
wait_for() {
    what=$1 id=$2
    shift 2
    last=$(($(date +%s) + 20))
    while kill -0 "$id" 2>/dev/null && [ "$(date +%s)" -le $last ]; do
        ! "$@" >/dev/null 2>&1 || return 0
        sleep 0.1
    done
    fail "$what"
}

# A port of the loopback on which nobody listens.
free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

mkdir "$folder/state" "$folder/spool"
head -c 128 /dev/urandom >"$folder/munge.key"
chmod 600 "$folder/munge.key"
memory=$(awk '/^MemTotal:/ { print int($2 / 1024) }' /proc/meminfo)
cat >"$folder/slurm.conf" <<CONF
ClusterName=rondo
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$(free_port)
SlurmdPort=$(free_port)
SlurmUser=$user
SlurmdUser=$user
AuthType=auth/munge
AuthInfo=socket=$folder/munge.socket
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,bf_interval=1,sched_interval=1,sched_min_interval=0
DefMemPerCPU=256
MailProg=$(command -v true)
MaxArraySize=${RONDO_SLURM_MAX_ARRAY:-1001}
KillWait=2
ReturnToService=2
SlurmdParameters=config_overrides
NodeName=$host NodeAddr=127.0.0.1 CPUs=${RONDO_SLURM_CPUS:-$(nproc)} RealMemory=$memory State=UNKNOWN
PartitionName=all Nodes=$host Default=YES MaxTime=INFINITE State=UP
CONF
# slurmd looks for it beside slurm.conf; without it, the file of the machine would be asked for.
: >"$folder/cgroup.conf"
export SLURM_CONF="$folder/slurm.conf"

# --force: munged wants its socket to be open to all users; this one is private.
# In the foreground, so that each is a child of this script, and its id is known.
munged --foreground --force --key-file="$folder/munge.key" --socket="$folder/munge.socket" --pid-file="$folder/munged.pid" \
    --seed-file="$folder/munged.seed" >"$folder/munged.log" 2>&1 &
munged_id=$!
wait_for "munged does not answer" "$munged_id" timeout 5 munge --no-input --socket="$folder/munge.socket"
slurmctld -D -c >"$folder/slurmctld.log" 2>&1 &
controller_id=$!
wait_for "slurmctld does not answer" "$controller_id" timeout 5 scontrol ping
slurmd -D -N "$host" >"$folder/slurmd.log" 2>&1 &
node_id=$!
node_is_idle() {
    [ "$(timeout 5 sinfo --noheader --format=%T)" = idle ]
}
wait_for "the node does not become idle" "$node_id" node_is_idle

status=0
"$@" || status=$?
exit $status
