//go:build unix

package credentials

import (
	"os/exec"
	"syscall"
)

// endGroup makes a timeout end the command with all that it started.
func endGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
