#!/bin/sh
# Prints the sample pages and the sheet of presets again, bit for bit: sh samples/make_samples.sh PATH/TO/ptb-xl OUT (run beside synth/).
set -eu
records="$1/records500"
out="$2"
python -m papertrace.synth "$records/00000/00024_hr" --out "$out" --seed 7 --layout 3x4+II --separator tick
python -m papertrace.synth "$records/00000/00307_hr" --out "$out" --seed 20 --layout 6x2+II --paper A4 --grid pink \
    --paper-color 255 240 243 --grid-phase 2.3 1.1 --font serif-bold --label-position below --separator bar \
    --pen-width 0.4 --placement 0.3
python -m papertrace.synth "$records/02000/02988_hr" --out "$out" --seed 3 --layout 12x1 --grid green --grid-form dots \
    --paper-color 246 250 246 --pen-color 25 25 60 --label-size 2.2 --label-offset 4 --no-header --pulse right
python -m papertrace.synth "$records/00000/00139_hr" --out "$out" --seed 16 --layout 3x4 --paper Letter --margin 3 \
    --grid gray --rotation -1.7 --color gray --jpeg 80 --paper-color 236 236 234 --font mono --label-position below \
    --pen-color 45 45 45 --pen-width 0.35 --separator gap --grid-phase 1.7 3.9
python -m papertrace.synth "$records/00000/00436_hr" --out "$out" --seed 32 --layout 3x4+II+V1+V5 --grid orange --dpi 150 \
    --paper-color 255 246 236 --font sans-bold --text-color 60 30 20 --separator join --grid-area traces --row-pitch 29
python -m papertrace.synth.contact_sheet "$out/presets.jpg" "$records/00000/00024_hr" "$records/00000/00307_hr" \
    "$records/02000/02988_hr" "$records/00000/00139_hr" "$records/00000/00436_hr"
