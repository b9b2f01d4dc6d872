//go:build unix

package command

import (
	"os/exec"
	"syscall"
)

// ownGroup gives a process a group of its own: a signal from the terminal does
// not reach it, so that it can go on while a run ends gently, and it can be killed
// with all that it started.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func killGroup(cmd *exec.Cmd) { syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
