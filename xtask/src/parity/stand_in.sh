#!/bin/sh
# Stands in for a Python with fastai: notes the run, leaves the sample, or prints what the stages came to.
echo "$3 $4" >> "$(dirname "$0")/peer-calls"
if [ "$3" = --sample ]; then
    mkdir -p "$4"
    for part in lm-train lm-valid train test; do
        echo '{"text": "fine"}' > "$4/$part.jsonl"
    done
else
    echo '{"steps": 9, "wall_s": 1, "valid_loss": 5, "accuracy": 0.2}'
    echo '{"steps": 3, "wall_s": 2, "valid_loss": 1, "accuracy": 0.5}'
fi
