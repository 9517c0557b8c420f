#!/bin/sh
# demo.sh - make demo: the whole method in under a minute, on a street that is rendered on the spot, or on footage of your own.
# SVAD, MODEL, OUT: the program, the model, the folder for results.  VIDEO: footage of your own (see own_footage); FPS: its frame
# rate where it does not tell one.
set -e
svad=${SVAD:-build/release/svad} model=${MODEL:-tools/world/street.svad} out=${OUT:-build/demo} fps=${FPS:-25}
text="a person is riding a bicycle"
start=$(date +%s)

say() { printf '[%2d s] %s\n' $(($(date +%s) - start)) "$*"; }
die() { echo "demo: $*" >&2; exit 1; }
show() { sed 's/^/       /'; }
# Runs svad, says with which arguments, and indents what it prints.
run() {
    say "svad $*"
    "$svad" "$@" --quiet > "$out/said" || exit $?
    show < "$out/said"
}

# The street: three normal days, and five clips, each named by what happens in it.
rendered_street() {
    say "rendering three normal days of a street, and five clips in which something happens"
    "$svad" world --scene street --seed 1 --clips 3 --frames 400 -o "$out/normal" --quiet & days=$!
    mkdir -p "$out/test/video"
    for what in cycle run drive-car fight jump-railing; do
        "$svad" world --scene street --seed 2 --frames 250 --anomalies $what -o "$out/$what" --quiet
        mv "$out/$what/video/01.y4m" "$out/test/video/$what.y4m"
        sed "s/^01 /$what /" "$out/$what/labels.txt" >> "$out/test/labels.txt"
        sed "s/^01,/$what,/" "$out/$what/objects.csv" >> "$out/test/objects.csv"
        rm -r "$out/$what"
    done
    wait $days
    train=$out/normal/video test=$out/test/video labels=$out/test/labels.txt
}

# Where training/ and testing/ are in the folder they are taken as they are.  Else the first half of the clips is what is normal, or
# of the one clip there is, the first half of its frames.
own_footage() {
    [ -d "$VIDEO" ] || die "VIDEO=$VIDEO: expected a folder with frames or with clips"
    case $VIDEO in /*) ;; *) VIDEO=$PWD/$VIDEO ;; esac
    if [ -d "$VIDEO/training" ] && [ -d "$VIDEO/testing" ]; then
        train=$VIDEO/training test=$VIDEO/testing
        [ ! -f "$VIDEO/labels.txt" ] || labels=$VIDEO/labels.txt
        return
    fi
    mkdir -p "$out/normal" "$out/test"
    train=$out/normal test=$out/test
    find "$VIDEO" -mindepth 1 -maxdepth 1 \( -type d -o -name '*.y4m' -o -name '*.avi' \) | LC_ALL=C sort > "$out/clips"
    if [ -s "$out/clips" ]; then to_train=$train to_test=$test
    else
        find "$VIDEO" -mindepth 1 -maxdepth 1 -type f | LC_ALL=C sort > "$out/clips"
        mkdir "$train/first-half" "$test/second-half"
        to_train=$train/first-half to_test=$test/second-half
    fi
    n=$(wc -l < "$out/clips")
    [ "$n" -gt 1 ] || die "VIDEO=$VIDEO: expected at least two clips, or the frames of one"
    head -n $((n / 2)) "$out/clips" | while IFS= read -r f; do ln -s "$f" "$to_train/"; done
    tail -n +$((n / 2 + 1)) "$out/clips" | while IFS= read -r f; do ln -s "$f" "$to_test/"; done
}

# By what the renderer knows of each frame: how many of its frames score above the 95th percentile of normal ones, with both scores.
tell_change() {
    paste -d, "$out/scores/scores.csv" "$out/redefined/scores.csv" | awk -F, '
        FNR == NR { if ($5 == 1 && $14 >= 0.15) { k = $1 "," $2; if ($4 == "cycle") c[k] = 1; else o[k] = 1 } next }
        FNR > 1 { k = $1 "," $2; print (k in o) ? "other" : (k in c) ? "cycling" : "normal", $3, $6 }' "$out/test/objects.csv" - > "$out/change"
    for k in 2 3; do
        n=$(grep -c '^normal' "$out/change")
        grep '^normal' "$out/change" | cut -d' ' -f$k | sort -g | sed -n "$(((n * 95 + 99) / 100))p"
    done | paste -d' ' - - > "$out/bars"
    read -r before after < "$out/bars"
    awk -v before="$before" -v after="$after" '
        { n[$1]++; a[$1] += $2 > before; b[$1] += $3 > after }
        END {
            print "frames with          number   above 95 % of normal frames: before    after"
            split("normal cycling other", key, " "); split("nothing unusual,a cyclist alone,anything else", name, ",")
            for (i = 1; i <= 3; i++) { k = key[i]; if (n[k]) printf "%-18s %8d %38.0f %% %6.0f %%\n", name[i], n[k], 100 * a[k] / n[k], 100 * b[k] / n[k] }
        }' "$out/change" | show
}

[ -x "$svad" ] || die "$svad is not built: make"
[ -f "$model" ] || die "$model is not there: make model"
rm -rf "$out"
mkdir -p "$out"
labels=
if [ -n "$VIDEO" ]; then own_footage; else rendered_street; fi
run fit -m "$model" "$train" --tubes track --steady 8 --fps "$fps" -o "$out/demo.scene"
run score -m "$model" -s "$out/demo.scene" "$test" --fps "$fps" -o "$out/scores"
[ -z "$labels" ] || run eval "$out/scores" --labels "$labels"
say "now somebody decides that cycling is fine here"
run score -m "$model" -s "$out/demo.scene" "$out/scores" --normal "$text" -o "$out/redefined"
[ -z "$labels" ] || run eval "$out/redefined" --labels "$labels"
[ -n "$VIDEO" ] || tell_change
run report "$out/redefined" ${labels:+--labels "$labels"} --title "A street, and cycling made normal" -o "$out/report.html"
say "the report: $out/report.html"
