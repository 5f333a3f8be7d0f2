#!/usr/bin/env bash
# From nothing to scored melt maps: installs what is missing on a bare Debian or Ubuntu, builds, makes a sample data set, trains a small
# network on it, and scores its maps beside those of the running mean. Some minutes on two cores without a GPU.
#
#   tools/demo.sh          may be run again: what exists is used, an interrupted training goes on
#   tools/demo.sh --quick  maps with the trained network in weights/ instead of training one
#
# Everything that it makes is in runs/demo; remove that folder to start over. The steps are six commands, the same on every system:
# where this script does not run (Windows without WSL), `cargo build --release` and `meltcore synth --out runs/demo`, which prints the rest.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
# shellcheck source=tools/setup.sh
. tools/setup.sh
case "$*" in
  "") weights= ;;
  --quick) weights=weights/demo.safetensors ;;
  *) stop "knows no arguments but --quick, which maps with the trained network in weights/ instead of training one" ;;
esac
install_needed

folder=runs/demo
config=$folder/config.yaml
means=$folder/time_interpolate_sar
run=$folder/runs/unet

# With GDAL where it is installed; the demo itself does not need it.
features=$(gdal_feature)
meltcore() { cargo run --release --locked --quiet --features "$features" -- "$@" </dev/null; }
step() { printf '\n%s\n' "== $*" >&2; }

step "building meltcore, some minutes for the first time"
cargo build --release --locked --features "$features" </dev/null
meltcore devices

step "a sample data set in $folder"
# The configuration is the last file that synth writes.
if [ -f "$config" ]; then say "using the one that is there"; else meltcore synth --out "$folder" --quiet; fi

step "running mean of the radar maps: the baseline, and an input of the network"
meltcore baseline time-interpolate-sar --config "$config" --split all --out "$means"

if [ -n "$weights" ]; then
  step "no training: the network is $weights, trained on these data before (see weights/README.md)"
else
  step "training a small UNet"
  meltcore train --config "$config" --resume auto || {
    status=$?
    say "training stopped; tools/demo.sh goes on after the last finished epoch"
    exit "$status"
  }
  weights=$run/checkpoints/best.safetensors
fi

step "maps of the test days"
meltcore predict --config "$config" --weights "$weights" --split test

step "scores on the test days: the network beside the running mean"
meltcore eval --config "$config" --split test --pred "unet=$run/predictions" --pred "running-mean=$means" --out "$run/scores"

step "a page with everything"
meltcore report --config "$config" --split test --pred "unet=$run/predictions" --pred "running-mean=$means" --scores "$run/scores" --out "$run/report.html"

days=$(grep -c . "$folder/splits/test.csv")
day=$(sed -n "$(((days + 1) / 2))p" "$folder/splits/test.csv" | tr -d '\r')
step "done in $((SECONDS / 60)) min $((SECONDS % 60)) s"
printf 'Scores, maps and curves:    %s\nA picture of one test day:  %s\nThe other days:             %s\nMaps as GeoTIFF and PNG:    %s\n' \
  "$PWD/$run/report.html" "$PWD/$run/scores/panels/${day%.tif}.png" "$PWD/$run/scores/panels" "$PWD/$run/predictions"
