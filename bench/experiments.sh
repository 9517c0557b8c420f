#!/bin/sh
# experiments.sh - the paper's tables on footage at hand: sh bench/experiments.sh [PART...]; prints rows and puts them into bench/RESULTS.md.
#
#   SVAD    the program (build/release/svad)            MODEL   the model (tools/world/street.svad)
#   PED2    UCSD Ped2: training, testing, labels.txt, boxes_DETECTOR_{training,testing}.txt (../shared/data/ped2); parts that need it
#           are left out without it                     FPS     frames a second of Ped2 (22: people walk 1.3 m a second then)
#   WORK    features and scores (build/experiments); features are made once and kept: empty it for another image tower
#   OUT     where the rows go (bench/RESULTS.md)        WHY     the purpose that the log of Ped2's readings gets
# Parts are in the list below, most important first (all of them without arguments); `page` writes the page from what ran before.
set -e
svad=${SVAD:-build/release/svad} model=${MODEL:-tools/world/street.svad} ped2=${PED2:-../shared/data/ped2} fps=${FPS:-22}
work=${WORK:-build/experiments} out=${OUT:-bench/RESULTS.md} why=${WHY:-table}
all="maskrcnn motion within yolov3 both redefine prompts cross centre crops backbones lengths choice"
tubes="--tubes track --with motion"
start=$(date +%s)

die() { echo "experiments: $*" >&2; exit 1; }
say() { printf '[%4d s] %s\n' $(($(date +%s) - start)) "$*" >&2; }
quietly() { "$@" > "$work/said" 2>&1 || { cat "$work/said" >&2; exit 1; }; }

# ---- rows ----

# areas SCORES LABELS [SIGMA]: "micro raw | micro smoothed | macro-sentinel raw | smoothed".
areas() {
    "$svad" eval "$1" --labels "$2" --smooth "${3:-3}" --json |
        sed 's/.*"micro": *\([0-9.]*\).*"macro_sentinel": *\([0-9.]*\).*/\1 \2/' | awk '{ m[NR] = $1; s[NR] = $2 } END { printf "%.4f | %.4f | %.4f | %.4f", m[1], m[2], s[1], s[2] }'
}
# row NAME SCORES LABELS: one line of the part's table; a reading of Ped2's test AUC is logged too.
row() {
    line="| $1 | $(areas "$2" "$3") |"
    echo "$line" | tee -a "$work/$part.rows"
    case $3 in "$ped2"*) echo "| $(date +%F\ %R) | $commit | $why: $part, $1 | $(echo "$line" | cut -d'|' -f3,4) |" >> "$work/readings" ;; esac
}
# table TITLE: begins the table of a part.
table() {
    printf '\n**%s**\n\n| %s | micro raw | smoothed | macro-sentinel raw | smoothed |\n|---|---|---|---|---|\n' "$1" "${2:-configuration}" > "$work/$part.rows"
    say "$1"
}

# ---- features and scores ----

# features NAME ARGS...: stored features of VIDEO among ARGS, once.
features() {
    name=$1; shift
    [ -f "$work/$name/done" ] || { quietly "$svad" extract -m "$model" "$@" -o "$work/$name" --quiet; : > "$work/$name/done"; }
}
# judged MODEL TRAIN TEST FIT...: fits on one folder of features, scores the other; scores are in $work/scores.
judged() {
    m=$1 train=$2 test=$3; shift 3
    quietly "$svad" fit -m "$m" "$work/$train" --seed 0 "$@" -o "$work/scene" --quiet
    rm -rf "$work/scores"
    quietly "$svad" score -m "$m" -s "$work/scene" "$work/$test" -o "$work/scores" --quiet
}
# rows TRAIN TEST LABELS [BEFORE AFTER]: a row for each line "name|options of fit" of stdin.
rows() {
    while IFS='|' read -r name args; do
        # shellcheck disable=SC2086
        judged "$model" "$1" "$2" $args
        row "$4$name$5" "$work/scores" "$3"
    done
}
# heads TRAIN TEST LABELS: the paper's score and what is offered beside it.
heads() {
    rows "$@" <<EOT
learned prompts, k-means (the paper's score)|
learned prompts, k-means, with size and speed|--with motion
plain texts, k-means|--prompts 0
plain texts, 8 neighbours by responses|--prompts 0 --patterns knn
8 neighbours by F_video|--prompts 0 --patterns knn-video
plain texts, k-means, with size and speed|--prompts 0 --with motion
8 neighbours by responses, with size and speed|--prompts 0 --patterns knn --with motion
8 neighbours by F_video, with size and speed|--prompts 0 --patterns knn-video --with motion
8 neighbours by responses and by F_video, with size and speed|--prompts 0 --patterns knn-both --with motion
size and speed alone (no network)|--prompts 0 --patterns none --with motion
EOT
}
# steadied TRAIN TEST LABELS: the same with scores along tracks, for boxes that come and go or are missed for a frame.
steadied() {
    rows "$@" "" ", steadied along tracks" <<EOT
learned prompts, k-means|--steady 8
learned prompts, k-means, with size and speed|--steady 8 --with motion
plain texts, k-means|--steady 8 --prompts 0
plain texts, k-means, with size and speed|--steady 8 --prompts 0 --with motion
8 neighbours by responses and by F_video, with size and speed|--steady 8 --prompts 0 --patterns knn-both --with motion
EOT
}
# yardsticks BOXES LABELS [LEAST]: what a ruler says of a detector's boxes: no learning at all.
yardsticks() {
    for what in width aspect area; do
        mkdir -p "$work/yard"
        awk -v what=$what -v least="${3:-0.5}" '
            FNR == NR { if (NF == 3 && $1 !~ /^#/) { clip[++clips] = $1; frames[$1] = $2 } next }
            /^#/ || (NF > 6 && $7 !~ /^t/ && $7 < least) { next }
            { w = $5 - $3; h = $6 - $4; v = what == "width" ? w : what == "area" ? w * h : w / h; k = $1 " " $2; if (v > s[k]) s[k] = v }
            END { print "clip,frame,score"; for (i = 1; i <= clips; i++) for (t = 0; t < frames[clip[i]]; t++) print clip[i] "," t "," s[clip[i] " " t] + 0 }' "$2" "$1" > "$work/yard/scores.csv"
        row "largest $what of a box (no learning)" "$work/yard" "$2"
    done
}

# ---- Ped2 ----

# boxes_of DETECTOR training|testing: the options that name its boxes.
boxes_of() {
    case $1 in
        motion) ;;
        *+motion) echo "--boxes $ped2/boxes_${1%+motion}_$2.txt --add-motion" ;;
        *) echo "--boxes $ped2/boxes_$1_$2.txt" ;;
    esac
}
ped2_features() {
    for set in training testing; do
        # shellcheck disable=SC2046,SC2086
        features "ped2-$1-$set" "$ped2/$set" $(boxes_of "$1" $set) $tubes --fps "$fps"
    done
}
detector() {
    [ -d "$ped2" ] || { say "no $ped2: left out"; return 0; }
    ped2_features "$1"
    table "Table 1: Ped2, $2"
    heads "ped2-$1-training" "ped2-$1-testing" "$ped2/labels.txt"
}
part_maskrcnn() { detector maskrcnn "boxes of Mask R-CNN and the motion that came with them" && yard maskrcnn; }
part_motion() {
    detector motion "the program's own boxes, from motion"
    [ ! -d "$ped2" ] || steadied ped2-motion-training ped2-motion-testing "$ped2/labels.txt"
}
part_yolov3() { detector yolov3 "boxes of YOLOv3 above 0.5" && yard yolov3; }
part_both() { detector yolov3+motion "boxes of YOLOv3 above 0.5 and the program's own where it has none"; }
yard() { [ ! -d "$ped2" ] || yardsticks "$ped2/boxes_$1_testing.txt" "$ped2/labels.txt"; }

# ---- the own world ----

# film SCENE SEED NORMAL TEST: so many normal days and test days of seeds that no training sees.
film() {
    rm -rf "$work/film"
    quietly "$svad" world --scene "$1" --seed "$2" --clips "$3" --frames 500 -o "$work/film/normal" --quiet
    quietly "$svad" world --scene "$1" --seed $(($2 + 1)) --clips "$4" --frames 400 --anomalies all -o "$work/film/test" --quiet
}
# world NAME SCENE SEED NORMAL TEST [motion]: the same as features, also with boxes from motion; their films are not kept.
world() {
    [ ! -f "$work/$1-test/done" ] || return 0
    as=$1 boxes=${6:-detector}
    film "$2" "$3" "$4" "$5"
    cp "$work/film/test/labels.txt" "$work/$as.labels"
    cp "$work/film/test/boxes.txt" "$work/$as.boxes"
    for set in normal test; do
        # shellcheck disable=SC2086
        [ $boxes = detector ] || features "$as-motion-$set" "$work/film/$set/video" $tubes
        # shellcheck disable=SC2086
        features "$as-$set" "$work/film/$set/video" --boxes "$work/film/$set/boxes.txt" $tubes
    done
    rm -rf "$work/film"
}
# A scene for the tables, a street for what compares one thing with another.
scene() { if [ "$1" = street ]; then world street street 920001 24 8 motion; else world "$1" "$1" 920001 24 8; fi; }
few() { world few street 900001 4 4; }
# Scenes across which is tested, and what somebody who knows both would say is normal in the second.
pairs="street campus
campus station a person is pulling a suitcase
station park a person is pushing a pram
park street"
# moved FOOTAGE TEST LABELS NAME [TEXT]: the last scene judged, taken to another camera by footage of it that nobody looked at: how tall
# bodies are there, then what recurs there, too, then with a text.
moved() {
    quietly "$svad" adapt -s "$work/scene" "$work/$1" -o "$work/moved" --quiet
    moved_row "$2" "$3" "$4, adapted: how tall bodies are"
    quietly "$svad" adapt -s "$work/scene" -m "$model" "$work/$1" -o "$work/moved" --quiet
    moved_row "$2" "$3" "$4, adapted: that and what recurs"
    [ -n "$5" ] || return 0
    quietly "$svad" score -m "$model" -s "$work/moved" "$work/scores" --normal "$5" -o "$work/redefined" --quiet
    row "$4, adapted, and \"$5\" is normal" "$work/redefined" "$3"
}
moved_row() {
    rm -rf "$work/scores"
    quietly "$svad" score -m "$model" -s "$work/moved" "$work/$1" -o "$work/scores" --quiet
    row "$3" "$work/scores" "$2"
}
# What the choice of a head may look at: days of other seeds than any table's.
part_choice() {
    table "For choosing: days that are in no other table, boxes as a detector gives them"
    for s in street campus station park; do
        world "choice-$s" $s 910001 8 8
        rows "choice-$s-normal" "choice-$s-test" "$work/choice-$s.labels" "$s: " <<EOT
learned prompts, k-means (the paper's score)|
plain texts, k-means|--prompts 0
learned prompts, k-means, with size and speed|--with motion
plain texts, k-means, with size and speed|--prompts 0 --with motion
8 neighbours by F_video, with size and speed|--prompts 0 --patterns knn-video --with motion
8 neighbours by responses and by F_video, with size and speed|--prompts 0 --patterns knn-both --with motion
EOT
    done
    while read -r a b text; do
        judged "$model" "choice-$a-normal" "choice-$b-test" --prompts 0 --patterns knn-both --with motion
        row "$a, $b: the last of these" "$work/scores" "$work/choice-$b.labels"
        moved "choice-$b-test" "choice-$b-test" "$work/choice-$b.labels" "$a, $b: the same" "$text"
    done <<EOT
$pairs
EOT
}
part_within() {
    scene street
    table "Table 1: own world, test days of one scene (street), boxes as a detector gives them"
    heads street-normal street-test "$work/street.labels"
    steadied street-normal street-test "$work/street.labels"
    yardsticks "$work/street.boxes" "$work/street.labels"
    printf '\nThe same days with the program'"'"'s own boxes, from motion:\n\n| configuration | micro raw | smoothed | macro-sentinel raw | smoothed |\n|---|---|---|---|---|\n' >> "$work/$part.rows"
    heads street-motion-normal street-motion-test "$work/street.labels"
    steadied street-motion-normal street-motion-test "$work/street.labels"
}
across() {
    what=$1; shift
    judged "$model" "$a-normal" "$b-test" "$@"
    row "$a, $b: $what" "$work/scores" "$work/$b.labels"
}
part_cross() {
    for s in street campus station park; do scene $s; done
    table "Table 2: learned on one scene, tested on another" "normal days, test days"
    while read -r a b text; do
        across "learned prompts, k-means (the paper's score)"
        across "plain texts, with size and speed" --prompts 0 --with motion
        across "8 neighbours by F_video, with size and speed" --prompts 0 --patterns knn-video --with motion
        across "8 neighbours by responses and by F_video, with size and speed" --prompts 0 --patterns knn-both --with motion
        [ "$a" = "$b" ] || moved "$b-test" "$b-test" "$work/$b.labels" "$a, $b: the same" "$text"
        across "8 neighbours by responses and by F_video, with size and speed, steadied along tracks" --prompts 0 --patterns knn-both --with motion --steady 8
        [ "$a" = "$b" ] || moved "$b-test" "$b-test" "$work/$b.labels" "$a, $b: the same, steadied" "$text"
    done <<EOT
street street
campus campus
station station
park park
$pairs
EOT
    [ -d "$ped2" ] || return 0
    ped2_features maskrcnn
    judged "$model" street-normal ped2-maskrcnn-testing
    row "street, Ped2 (Mask R-CNN): learned prompts, k-means" "$work/scores" "$ped2/labels.txt"
    judged "$model" street-normal ped2-maskrcnn-testing --prompts 0 --patterns knn-both --with motion --steady 8
    row "street, Ped2 (Mask R-CNN): 8 neighbours by responses and by F_video, with size and speed, steadied along tracks" "$work/scores" "$ped2/labels.txt"
    moved ped2-maskrcnn-training ped2-maskrcnn-testing "$ped2/labels.txt" "street, Ped2 (Mask R-CNN): the same, by its training clips"
}

# ---- what changes one thing ----

# Where most things of the kind are: the own world, and Ped2 where it is there.
each_set() {
    few
    "$@" few-normal few-test "$work/few.labels" "own world"
    [ -d "$ped2" ] || return 0
    ped2_features maskrcnn
    "$@" ped2-maskrcnn-training ped2-maskrcnn-testing "$ped2/labels.txt" Ped2
}
prompts_on() {
    rows "$1" "$2" "$3" "$4: " <<EOT
plain texts|--prompts 0
16 vectors that begin as noise, 5 epochs|--prompts 16 --prompt-epochs 5
as the model says: the vectors of "a person is", 10 epochs|
EOT
}
part_prompts() {
    table "Learned prompts (own world: four days)"
    each_set prompts_on
}
centre_on() {
    judged "$model" "$1" "$2" --prompts 0 --center
    row "$4: centred responses, k-means" "$work/scores" "$3"
    judged "$model" "$1" "$2" --prompts 0 --center --patterns knn
    row "$4: centred responses, 8 neighbours" "$work/scores" "$3"
}
part_centre() {
    table "Responses less their mean (own world: four days)"
    each_set centre_on
}
part_crops() {
    table "Crops: squashed to a square, or a square of 1.25 of the longer side (own world: four days)"
    film street 900001 4 4
    for crop in square squash; do
        for set in normal test; do features "crop-$crop-$set" "$work/film/$set/video" --boxes "$work/film/$set/boxes.txt" --tubes track --crop $crop; done
        judged "$model" "crop-$crop-normal" "crop-$crop-test" --prompts 0
        row "own world: $crop" "$work/scores" "$work/film/test/labels.txt"
    done
}
# Frames by what the renderer knows of them: AUC of the frames with other anomalies alone against normal ones.  Where a cyclist is there
# too, it is the cyclist's score that falls.
told() {
    awk -F, 'FNR == NR { if ($5 == 1 && $14 >= 0.15) { k = $1 "," $2; if ($4 == "cycle") c[k] = 1; else o[k] = 1 } next }
        FNR > 1 { k = $1 "," $2; print (k in o) + 2 * (k in c), $3 }' "$work/redefine.objects" "$1" | sort -k2,2g |
    awk '{ if ($1 == 0) n++; else if ($1 == 1) { o++; below += n } else if ($1 == 2) at[++c] = n }
        END { for (i = 1; i <= c; i++) low += at[i] < 0.95 * n; printf "%d | %d | %.1f %% | %.4f", n, c, 100 * low / (c ? c : 1), below / (n * (o ? o : 1)) }'
}
part_redefine() {
    scene street
    if [ ! -f "$work/redefine-test/done" ]; then
        quietly "$svad" world --scene street --seed 920003 --clips 40 --frames 250 --anomalies cycle,cycle,run,drive-car,fight,jump-railing -o "$work/film" --quiet
        cp "$work/film/objects.csv" "$work/redefine.objects"
        # shellcheck disable=SC2086
        features redefine-test "$work/film/video" --boxes "$work/film/boxes.txt" $tubes
        rm -rf "$work/film"
    fi
    printf '\n**Redefinition: "a person is riding a bicycle" becomes normal (own world, street)**\n\n| configuration | normal frames | with a cyclist alone | of these below 95 %% of normal ones | AUC of other anomalies |\n|---|---|---|---|---|\n' > "$work/$part.rows"
    while IFS='|' read -r name args how; do
        # shellcheck disable=SC2086
        judged "$model" street-normal redefine-test $args
        # shellcheck disable=SC2086
        quietly "$svad" score -m "$model" -s "$work/scene" "$work/scores" --normal "a person is riding a bicycle" $how -o "$work/redefined" --quiet
        for s in scores redefined; do
            echo "| $name, $([ $s = scores ] && echo before || echo after) | $(told "$work/$s/scores.csv") |" | tee -a "$work/$part.rows"
        done
    done <<EOT
learned prompts, k-means|
learned prompts, k-means, acting from z 3 on|| --threshold-z 3
plain texts, k-means|--prompts 0
plain texts, k-means, with size and speed|--prompts 0 --with motion
learned prompts, k-means, steadied along tracks|--steady 8
EOT
}

# ---- the temporal fusion ----

# Days of everything, labelled tube by tube: a list for pretrain, of clips and boxes by action.
lessons() {
    [ ! -f "$work/lessons.csv" ] || return 0
    rm -rf "$work/lessons"
    echo "video,label,boxes" > "$work/lessons.csv"
    for s in street campus station park school square; do
        quietly "$svad" world --scene $s --seed 800001 --clips 2 --frames 300 --anomalies all -o "$work/lessons/$s" --quiet
        awk -F, -v dir="lessons/$s" -v work="$work" '
            FNR > 1 && $14 > 0.6 && $2 % 10 == 5 { f = dir "/" $1 "-" $4 ".txt"; g = work "/" f; if (!(f in seen)) { seen[f] = 1; n[f] = 0; row[f] = dir "/video/" $1 ".y4m," $4 "," f }
                n[f]++; print $1, $2, $6, $7, $8, $9 > g }
            END { for (f in row) if (n[f] >= 4) print row[f] }' "$work/lessons/$s/objects.csv" | LC_ALL=C sort >> "$work/lessons.csv"
    done
    "$svad" world --list | sed -n 's/^  \([a-z-]*\)  *\(.*\)/s|,\1,|,\2,|/p' > "$work/phrases"
    sed -f "$work/phrases" "$work/lessons.csv" > "$work/named.csv"
    mv "$work/named.csv" "$work/lessons.csv"
}
# fusion NAME PRETRAIN...: a model with another fusion.
fusion() {
    name=$1; shift
    lessons
    [ -f "$work/$name.svad" ] || quietly "$svad" pretrain -m "$model" "$work/lessons.csv" --dtype f16 --seed 0 "$@" -o "$work/$name.svad" --quiet
}
fusion_on() { judged "$work/$1.svad" "$3" "$4" --prompts 0; row "$6: $2" "$work/scores" "$5"; }
part_backbones() {
    table "Table 3: temporal fusions, trained on the own world's actions or as they begin (plain texts, k-means; own world: four days)"
    for b in prompt-vlm actionclip clip4clip; do
        fusion $b --backbone $b --epochs 20 --cache "$work/nine.tubes"
        fusion $b-raw --backbone $b --epochs 1 --lr 1e-12 --cache "$work/nine.tubes"
    done
    fusion mean --backbone mean --epochs 1 --cache "$work/nine.tubes"
    fusion zs --backbone mean --alpha 0 --beta 1 --epochs 1 --cache "$work/nine.tubes"
    for b in prompt-vlm actionclip clip4clip; do
        each_set fusion_on $b-raw "$b, not trained"
        each_set fusion_on $b "$b, trained"
    done
    each_set fusion_on mean "mean of the frames"
    each_set fusion_on zs "middle frame alone (ZS-CLIP)"
}
part_lengths() {
    table "Table 4: frames of a tube (plain texts, k-means; own world: four days)"
    film street 900001 4 4
    for n in 5 7 9 11; do
        fusion frames-$n --frames $n --epochs 20
        for set in normal test; do features "frames-$n-$set" "$work/film/$set/video" --boxes "$work/film/$set/boxes.txt" --tubes track --frames $n; done
        judged "$work/frames-$n.svad" frames-$n-normal frames-$n-test --prompts 0
        row "$n frames" "$work/scores" "$work/film/test/labels.txt"
    done
    rm -rf "$work/film"
}

# ---- the page ----

# Rows of all parts that were ever made here, and new readings, in place of what stood between the marks.
page() {
    {
        echo "Made by \`sh bench/experiments.sh\`, commit $commit, model $(basename "$model") of $(wc -c < "$model") bytes (cksum $(cksum < "$model" | cut -d' ' -f1)), seed 0 throughout, $(date +%F)."
        for p in $all; do [ ! -f "$work/$p.rows" ] || cat "$work/$p.rows"; done
    } > "$work/page"
    touch "$work/readings"
    awk -v page="$work/page" -v readings="$work/readings" '
        /^<!-- tables -->$/ { print; while ((getline line < page) > 0) print line; skip = 1 }
        /^<!-- end of tables -->$/ { skip = 0 }
        /^<!-- end of readings -->$/ { while ((getline line < readings) > 0) print line }
        !skip || /^<!-- tables -->$/ { if (!(skip && /^<!-- tables -->$/)) print }' "$out" > "$work/results"
    cat "$work/results" > "$out"
    : > "$work/readings"
}

part_page() { :; }

[ -x "$svad" ] || die "$svad is not built: make"
[ -f "$model" ] || die "$model is not there"
mkdir -p "$work"
commit=$(git rev-parse --short HEAD 2>/dev/null || echo unknown)
for part in ${*:-$all}; do
    case " $all page " in *" $part "*) ;; *) die "no part $part; there are: $all" ;; esac
    "part_$part"
    [ ! -f "$out" ] || page
done
say "done"
