#!/bin/sh
# alarms.sh ped2 SVAD MODEL WORK PED2 [fit options] | alarms.sh street SVAD MODEL WORK [fit options] - alarms asked for and alarms that
# came, on normal footage that took no part in the fit: UCSD Ped2's training clips, a quarter after the other held back, or three
# times a third of an hour of the rendered street, each scored by what was learned from either of the others.  Prints rows of the
# table in bench/RESULTS.md.  PED2: folder with training/ and boxes_yolov3_training.txt; WORK: a folder to work in, which keeps
# features from one run to the next.
set -e
what=$1 svad=$2 model=$3 work=$4
shift 4
[ $what = street ] || { ped2=$1; shift; }
mkdir -p "$work"
cd "$work"

# ask SCENE STORED RATE... : "rate alarms frames beyond" for each rate
ask() {
    scene=$1 stored=$2
    shift 2
    for rate; do
        "$svad" score -m "$model" -s "$scene" "$stored" --dry-run --json --alarms-per-hour "$rate" --cooldown "$cooldown" > found 2> said
        tr -d '{}" ' < found | tr ',' '\n' | awk -F: -v rate="$rate" -v beyond="$(grep -c extrapolated said || true)" '
            $1 == "alarms" { alarms += $2 } $1 == "frames" { frames += $2 } END { print rate, alarms, frames, beyond }'
    done
}

# table NAME < lines of ask, at 10 frames a second
table() {
    awk -v name="$1" '{ alarms[$1] += $2; frames[$1] += $3; beyond[$1] += $4; if (!($1 in seen)) { seen[$1] = 1; rate[++n] = $1 } }
        END { for (i = 1; i <= n; i++) { r = rate[i]; hours = frames[r] / 36000
              printf "| %s | %g | %.1f | %d | %.2f | %s |\n", name, r, r * hours, alarms[r], alarms[r] / (r * hours), beyond[r] ? "extrapolated" : "" } }'
}

if [ $what = ped2 ]; then
    cooldown=1
    [ -d ped2 ] || "$svad" extract -m "$model" "$ped2/training" --boxes "$ped2/boxes_yolov3_training.txt" --fps 10 --tubes track -o ped2 --quiet
    rm -f lines
    for fold in 1 2 3 4; do
        rm -rf rest held stored && mkdir rest held
        for clip in ped2/*.svad; do
            n=$(basename "$clip" .svad)
            if [ $((${n#0} % 4 + 1)) = $fold ]; then ln -s "../$clip" held/; else ln -s "../$clip" rest/; fi
        done
        "$svad" fit -m "$model" rest -o fold.scene --quiet "$@" > /dev/null
        "$svad" score -m "$model" -s fold.scene held -o stored --quiet > /dev/null
        ask fold.scene stored 100 200 400 800 >> lines
    done
    table "Ped2 training, 4 folds" < lines
else
    cooldown=10
    for seed in 1 2 3; do
        [ -d world$seed ] || "$svad" world --scene street --seed $seed --clips 6 --frames 1800 --size 240x160 --fps 10 -o world$seed --quiet
        [ -d tubes$seed ] || "$svad" extract -m "$model" world$seed/video --boxes world$seed/boxes.txt --tubes track -o tubes$seed --quiet
    done
    rm -f lines
    for seed in 1 2 3; do
        "$svad" fit -m "$model" tubes$seed -o street.scene --quiet "$@" > /dev/null
        for other in 1 2 3; do
            [ $other != $seed ] || continue
            rm -rf stored
            "$svad" score -m "$model" -s street.scene tubes$other -o stored --quiet > /dev/null
            ask street.scene stored 5 10 20 40 80 >> lines
        done
    done
    table "street, other people" < lines
fi
