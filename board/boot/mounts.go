package boot

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

type mount struct {
	kind, dir string
	flags     uintptr
	options   string
	needed    bool
}

// mounts are the kernel's own file systems, in order.
func mounts() []mount {
	const strict = unix.MS_NOSUID | unix.MS_NOEXEC | unix.MS_NODEV
	return []mount{
		{"proc", "/proc", strict, "", true},
		{"sysfs", "/sys", strict, "", true},
		{"devtmpfs", "/dev", unix.MS_NOSUID | unix.MS_NOEXEC, "mode=0755", true},
		{"devpts", "/dev/pts", unix.MS_NOSUID | unix.MS_NOEXEC, "mode=0620,ptmxmode=0666", false},
		{"tmpfs", "/dev/shm", strict, "mode=1777,size=16m", false},
		{"tmpfs", "/run", strict, "mode=0755,size=64m", true},
		{"tmpfs", "/tmp", strict, "mode=1777,size=64m", true},
		{"cgroup2", "/sys/fs/cgroup", strict, "", false},
		{"bpf", "/sys/fs/bpf", strict, "mode=0700", false},
		{"securityfs", "/sys/kernel/security", strict, "", false},
	}
}

// lateMounts need a driver.
func lateMounts() []mount {
	const strict = unix.MS_NOSUID | unix.MS_NOEXEC | unix.MS_NODEV
	return []mount{{"efivarfs", "/sys/firmware/efi/efivars", strict | unix.MS_RDONLY, "", false}}
}

// mountAll mounts file systems of the kernel's own; what only some kernels have
// may be missing.
func mountAll(list []mount) error {
	var errs []error
	for _, m := range list {
		os.MkdirAll(m.dir, 0o755)
		err := unix.Mount(m.kind, m.dir, m.kind, m.flags, m.options)
		if err != nil && m.needed && !errors.Is(err, unix.EBUSY) {
			errs = append(errs, fmt.Errorf("%s on %s: %w", m.kind, m.dir, err))
		}
	}
	return errors.Join(errs...)
}

// loopbackUp gives the machine its own address. The kernel adds 127.0.0.1 and
// ::1 by itself.
func loopbackUp() error {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(s)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	if err := unix.IoctlIfreq(s, unix.SIOCGIFFLAGS, lo); err != nil {
		return err
	}
	lo.SetUint16(lo.Uint16() | unix.IFF_UP)
	return unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, lo)
}

// settle sets the kernel's own knobs: its messages leave the screen to the
// consoles, and what a gate must not do is off.
func settle() {
	for path, value := range map[string]string{
		"/proc/sys/kernel/printk":                         "3 4 1 3",
		"/proc/sys/kernel/panic":                          "5",
		"/proc/sys/kernel/panic_on_oops":                  "1",
		"/proc/sys/kernel/kptr_restrict":                  "2",
		"/proc/sys/kernel/dmesg_restrict":                 "1",
		"/proc/sys/kernel/unprivileged_bpf_disabled":      "2",
		"/proc/sys/fs/protected_hardlinks":                "1", // the node's files are given to it by name
		"/proc/sys/fs/protected_symlinks":                 "1",
		"/proc/sys/net/ipv4/ip_forward":                   "0",
		"/proc/sys/net/ipv4/ip_nonlocal_bind":             "1", // listeners may come before their address
		"/proc/sys/net/ipv6/ip_nonlocal_bind":             "1",
		"/proc/sys/net/ipv4/conf/all/rp_filter":           "2",
		"/proc/sys/net/ipv4/conf/all/accept_redirects":    "0",
		"/proc/sys/net/ipv4/conf/all/send_redirects":      "0",
		"/proc/sys/net/ipv4/conf/all/accept_source_route": "0",
		"/proc/sys/net/ipv6/conf/all/accept_redirects":    "0",
		"/proc/sys/net/ipv6/conf/default/accept_ra":       "0", // no address but those of the configuration
		"/proc/sys/net/ipv6/conf/default/autoconf":        "0",
		"/proc/sys/net/ipv4/tcp_syncookies":               "1",
		"/proc/sys/net/core/somaxconn":                    "4096",
		"/proc/sys/net/core/rmem_max":                     "8388608",
		"/proc/sys/net/core/wmem_max":                     "8388608",
	} {
		os.WriteFile(path, []byte(value), 0)
	}
	var limit unix.Rlimit
	limit.Cur, limit.Max = 262144, 262144
	unix.Setrlimit(unix.RLIMIT_NOFILE, &limit)
}
