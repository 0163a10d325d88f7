# Copyright 2026 metricseg_ros contributors
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Installs torch without taking gigabytes of CUDA by surprise. Sourced by scripts/setup.
#
# In this order: a torch that is already there; the index of METRICSEG_TORCH_INDEX; the build that
# pip finds, if it is one for the CPU, if there is an NVIDIA GPU, or if METRICSEG_TORCH=cuda; the
# CPU build from PyTorch's own index, whose address uv knows. Else the setup ends and says so.

TORCH="$(grep '^torch==' "$CONSTRAINTS")"

install_torch() {
    if "$VENV/bin/python" -c 'import torch' 2> /dev/null; then
        return 0
    elif [ -n "${METRICSEG_TORCH_INDEX:-}" ]; then
        say "installing $TORCH from METRICSEG_TORCH_INDEX"
        logged "$VENV/bin/python" -m pip install --index-url "$METRICSEG_TORCH_INDEX" "$TORCH" \
            || fail "no $TORCH in METRICSEG_TORCH_INDEX=$METRICSEG_TORCH_INDEX, see $LOG"
    else
        install_found_torch
    fi
    "$VENV/bin/python" -c 'import torch' 2>> "$LOG" || fail "torch does not import, see $LOG"
}

install_found_torch() {
    local found
    found="$("$VENV/bin/python" "$ROOT/scripts/lib/find_torch.py" "$TORCH" 2>> "$LOG")" \
        || fail "pip finds no $TORCH for $("$VENV/bin/python" -V), see $LOG"
    case "$found:${METRICSEG_TORCH:-auto}" in
        cpu:*) say "installing $TORCH (CPU build, 0.2 GB)" ;;
        cuda:cuda) say "installing $TORCH with CUDA, several GB, because METRICSEG_TORCH=cuda" ;;
        cuda:auto) nvidia-smi -L > /dev/null 2>&1 || { install_cpu_torch; return; }
            say "installing $TORCH with CUDA, several GB, for the NVIDIA GPU of this machine" \
                "(METRICSEG_TORCH=cpu for the small CPU build)" ;;
        cuda:cpu) install_cpu_torch; return ;;
        *) fail "METRICSEG_TORCH must be auto, cpu or cuda, got ${METRICSEG_TORCH:-}" ;;
    esac
    pip_install "$TORCH"
}

install_cpu_torch() {
    say "installing $TORCH (CPU build, 0.2 GB) from PyTorch's own index"
    pip_install uv
    UV_HTTP_TIMEOUT=30 logged "$VENV/bin/uv" pip install --python "$VENV/bin/python" --no-deps \
        --torch-backend cpu "$TORCH" || fail "pip would install torch with several GB of CUDA," \
        "and this machine has no use for it, but PyTorch's CPU builds cannot be reached. Either" \
        "install torch's CPU build yourself (.venv/bin/pip install ...), or set" \
        "METRICSEG_TORCH_INDEX to an index that has it, or METRICSEG_TORCH=cuda to accept CUDA"
    pip_install "$TORCH"
}
