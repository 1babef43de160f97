#!/bin/sh
# Copies what torch-auto detects hardware by into a folder, for a machine on which torch-auto does not run:
#
#     sh capture.sh tree                      there
#     torch-auto info --root tree             here, after the folder was brought here
#
# Any POSIX sh runs it (dash, busybox). It reads files of a few kilobytes below /sys, /proc, /dev and /etc, and writes
# into the folder alone. Of libraries and device files, it notes that they are there, as empty files.
set -u
out=${1:-tree}
mkdir -p "$out" || exit 1

copy() { # the content of a file; what cannot be read is left out
    if [ -f "$1" ] && [ -r "$1" ]; then
        mkdir -p "$out${1%/*}" && cat "$1" >"$out$1" 2>/dev/null || rm -f "$out$1"
    fi
}

note() { # that something is there
    if [ -e "$1" ]; then
        mkdir -p "$out${1%/*}" && : >"$out$1"
    fi
}

link() { # a link, to what it leads to
    if [ -h "$1" ]; then
        target=$(ls -ld "$1" 2>/dev/null)
        target=${target##* -> }
        mkdir -p "$out${1%/*}" && rm -f "$out$1" && ln -s "$target" "$out$1"
    fi
}

for device in /sys/bus/pci/devices/*; do
    [ -r "$device/class" ] || continue
    read -r class <"$device/class" || continue
    case $class in
    0x03* | 0x12*)
        copy "$device/class"
        copy "$device/vendor"
        copy "$device/device"
        copy "$device/product_name"
        link "$device/driver"
        link "$device/physfn"
        ;;
    esac
done

for node in /sys/class/kfd/kfd/topology/nodes/*; do
    copy "$node/properties"
    copy "$node/name"
done

for gpu in /proc/driver/nvidia/gpus/*; do
    copy "$gpu/information"
done

for file in /sys/module/nvidia/version /proc/driver/nvidia/version /proc/sys/kernel/osrelease /proc/sys/kernel/arch \
    /proc/device-tree/compatible /sys/devices/soc0/family /sys/devices/soc0/soc_id /etc/nv_tegra_release \
    /System/Library/CoreServices/SystemVersion.plist; do
    copy "$file"
done

for folder in /usr/lib/x86_64-linux-gnu /usr/lib/aarch64-linux-gnu /usr/lib64 /lib64 /usr/lib /lib /usr/lib/wsl/lib \
    /usr/local/nvidia/lib64 /run/opengl-driver/lib /run/current-system/profile/lib; do
    note "$folder/libnvidia-ml.so.1"
done

for file in /dev/dxg /dev/kfd /dev/nvidiactl; do
    note "$file"
done

echo "$out: bring it to where torch-auto runs, then torch-auto info --root $out" >&2
