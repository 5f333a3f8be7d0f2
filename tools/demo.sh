#!/usr/bin/env bash
# From nothing to scored maps: installs what is missing on a bare Debian or Ubuntu, builds, makes a sample data set, trains a small network
# on it, maps the scenes that it did not see, and writes a page with the scores. Some minutes on two cores without a GPU.
#
#   tools/demo.sh                  daily melt of an invented Helheim glacier, beside the running mean of the radar maps
#   tools/demo.sh --task glacier   outlines of invented mountain glaciers, by a small GlaViTU whose confidence is calibrated
#   tools/demo.sh --task calving   fronts of invented glaciers in fjords from radar scenes over the years, by a small UNet
#   tools/demo.sh --quick          melt, mapped with the trained network in weights/ instead of training one
#
# It may be run again: what exists is used, an interrupted training goes on. Everything that it makes is in runs/demo (runs/demo-glacier,
# runs/demo-calving); remove that folder to start over. The steps are a few commands, the same on every system: where this script does not
# run (Windows without WSL), `cargo build --release` and `meltcore synth --out runs/demo`, which prints the rest.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
# shellcheck source=tools/setup.sh
. tools/setup.sh
task=melt weights=
case "$*" in
  "" | "--task melt") ;;
  --quick) weights=weights/demo.safetensors ;;
  "--task glacier") task=glacier ;;
  "--task calving") task=calving ;;
  *) stop "knows --task melt|glacier|calving, and --quick, which maps melt with the trained network in weights/ instead of training one" ;;
esac
install_needed

# With GDAL where it is installed; the demo itself does not need it.
features=$(gdal_feature)
meltcore() { cargo run --release --locked --quiet --features "$features" -- "$@" </dev/null; }
step() { printf '\n%s\n' "== $*" >&2; }

step "building meltcore, some minutes for the first time"
cargo build --release --locked --features "$features" </dev/null
meltcore devices

train() {
  meltcore train --config "$config" --resume auto || {
    status=$?
    say "training stopped; $0 $* goes on after the last finished epoch"
    exit "$status"
  }
}

# A scene in the middle of the test list, and where everything is.
done_with() {
  local scenes scene
  scenes=$(grep -c . "$1")
  scene=$(sed -n "$(((scenes + 1) / 2))p" "$1" | tr -d '\r')
  step "done in $((SECONDS / 60)) min $((SECONDS % 60)) s"
  printf 'Scores, maps and curves:    %s\nA picture of a test %-8s%s\nThe others:                 %s\nMaps as GeoTIFF and PNG:    %s\n' \
    "$PWD/$run/report.html" "$2:" "$PWD/$run/scores/panels/${scene%.tif}.png" "$PWD/$run/scores/panels" "$PWD/$run/predictions"
}

melt() {
  folder=runs/demo
  config=$folder/config.yaml run=$folder/runs/unet
  local means=$folder/time_interpolate_sar

  step "a sample data set in $folder"
  # The configuration is the last file that synth writes.
  if [ -f "$config" ]; then say "using the one that is there"; else meltcore synth --out "$folder" --quiet; fi

  step "running mean of the radar maps: the baseline, and an input of the network"
  meltcore baseline time-interpolate-sar --config "$config" --split all --out "$means"

  if [ -n "$weights" ]; then
    step "no training: the network is $weights, trained on these data before (see weights/README.md)"
  else
    step "training a small UNet"
    train
    weights=$run/checkpoints/best.safetensors
  fi

  step "maps of the test days"
  meltcore predict --config "$config" --weights "$weights" --split test

  step "scores on the test days: the network beside the running mean"
  meltcore eval --config "$config" --split test --pred "unet=$run/predictions" --pred "running-mean=$means" --out "$run/scores"

  step "a page with everything"
  meltcore report --config "$config" --split test --pred "unet=$run/predictions" --pred "running-mean=$means" --scores "$run/scores" --out "$run/report.html"

  done_with "$folder/splits/test.csv" day
}

glacier() {
  folder=runs/demo-glacier
  config=$folder/glavitu.yaml run=$folder/runs/glavitu

  step "twelve invented scenes in $folder"
  # The UNet's configuration is the last file that synth writes.
  if [ -f "$folder/unet.yaml" ]; then say "using those that are there"; else meltcore synth --task glacier --out "$folder" --quiet; fi

  step "training a small GlaViTU"
  train --task glacier
  weights=$run/checkpoints/best.safetensors

  step "how often it is right where it says how sure it is, on the validation scenes"
  meltcore calibrate --config "$config" --weights "$weights"

  step "maps of the test scenes"
  meltcore predict --config "$config" --weights "$weights" --split test

  step "scores on the test scenes"
  meltcore eval --config "$config" --split test --pred "glavitu=$run/predictions" --out "$run/scores"

  step "a page with everything"
  meltcore report --config "$config" --split test --pred "glavitu=$run/predictions" --scores "$run/scores" --out "$run/report.html"

  done_with "$folder/splits/test.csv" scene
}

calving() {
  folder=runs/demo-calving
  config=$folder/unet.yaml run=$folder/runs/unet
  # Nothing is learned from the last glacier.
  local unseen=Dunmar

  step "24 invented radar scenes of four glaciers in $folder"
  # The UNet's configuration is the last file that synth writes.
  if [ -f "$config" ]; then say "using those that are there"; else meltcore synth --task calving --format tif --out "$folder" --quiet; fi

  step "training a small UNet on the zones of three glaciers"
  train --task calving
  weights=$run/checkpoints/best.safetensors

  step "zones of the fourth glacier, $unseen"
  meltcore predict --config "$config" --weights "$weights" --split test

  step "scores of its zones and fronts"
  meltcore eval --config "$config" --split test --pred "unet=$run/predictions" --out "$run/scores"

  step "its fronts as lines, and where they crossed the middle of the fjord"
  meltcore front "$run/predictions" --out "$run/fronts" --format geojson --bounding-boxes "$folder/bounding_boxes" \
    --truth "$folder/fronts" --centre-line "$folder/centre_lines/$unseen.geojson"

  step "a page with everything"
  meltcore report --config "$config" --split test --pred "unet=$run/predictions" --scores "$run/scores" --out "$run/report.html"

  done_with "$folder/splits/test.csv" scene
  printf 'Fronts over the years:      %s\n' "$PWD/$run/fronts/front_series.csv"
}

$task
