// Package module loads kernel modules: by name, by alias as the kernel asks
// for them, and for every device that is there (coldplug). It knows the index
// that the image carries beside the modules. PID 1 and the modprobe mode of
// the binary call it; nothing else does.
package module
