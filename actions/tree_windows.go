package actions

import (
	"errors"
	"os/exec"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

// tree is a job object. It ends with the agent: the kernel closes its handle.
type tree struct {
	group, leader int
	job           windows.Handle

	// Without meaning here:
	runID          string
	sparesOwnGroup bool
	limits         Limits
	cgroup         cgroup
	all            *Processes
}

func (t *tree) meet(map[*tree]struct{}, []process) {}

func (t *tree) startInCgroup(build func() *exec.Cmd, _ *Processes) (*exec.Cmd, error) {
	return t.startOutside(build, nil)
}

func (t *tree) doubtful() error { return nil }

// lead puts the leader into a job. Without one, as in old nested jobs, only
// the leader can be ended.
func (t *tree) lead(leader int) {
	t.group, t.leader = leader, leader
	job, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return
	}
	p, err := windows.OpenProcess(windows.PROCESS_SET_QUOTA|windows.PROCESS_TERMINATE, false, uint32(leader))
	if err == nil {
		err = windows.AssignProcessToJobObject(job, p)
		windows.CloseHandle(p) //nolint:errcheck // nothing to do about it
	}
	if err != nil {
		windows.CloseHandle(job) //nolint:errcheck // nothing to do about it
		return
	}
	t.job = job
	t.limit(windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE)
}

func (t *tree) limit(flags uint32) {
	info := windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION{
		BasicLimitInformation: windows.JOBOBJECT_BASIC_LIMIT_INFORMATION{LimitFlags: flags},
	}
	windows.SetInformationJobObject(t.job, windows.JobObjectExtendedLimitInformation, //nolint:errcheck // stop still ends it
		uintptr(unsafe.Pointer(&info)), uint32(unsafe.Sizeof(info)))
}

// release lets go of the job without ending what the command left behind.
func (t *tree) release() {
	if t.job != 0 {
		t.limit(0)
		windows.CloseHandle(t.job) //nolint:errcheck // nothing to do about it
	}
}

// terminate reaches programs that share the agent's console and listen.
func (t *tree) terminate() {
	if t.leader != 0 {
		windows.GenerateConsoleCtrlEvent(windows.CTRL_BREAK_EVENT, uint32(t.leader)) //nolint:errcheck // kill follows
	}
}

func (t *tree) kill() {
	if t.job != 0 {
		windows.TerminateJobObject(t.job, 1) //nolint:errcheck // alive tells
		return
	}
	if p, err := windows.OpenProcess(windows.PROCESS_TERMINATE, false, uint32(t.leader)); err == nil {
		windows.TerminateProcess(p, 1) //nolint:errcheck // alive tells
		windows.CloseHandle(p)         //nolint:errcheck // nothing to do about it
	}
}

func (t *tree) alive() []int {
	if t.leader == 0 {
		return nil
	}
	if t.job == 0 {
		return t.leaderAlive()
	}
	// JOBOBJECT_BASIC_ACCOUNTING_INFORMATION, which x/sys does not have.
	var info struct {
		Times                                       [4]int64
		PageFaults, Total, ActiveProcesses, Stopped uint32
	}
	err := windows.QueryInformationJobObject(t.job, windows.JobObjectBasicAccountingInformation,
		uintptr(unsafe.Pointer(&info)), uint32(unsafe.Sizeof(info)), nil)
	if err != nil || info.ActiveProcesses == 0 {
		return nil
	}
	return []int{t.leader}
}

func (t *tree) leaderAlive() []int {
	p, err := windows.OpenProcess(windows.SYNCHRONIZE, false, uint32(t.leader))
	if err != nil {
		return nil
	}
	defer windows.CloseHandle(p) //nolint:errcheck // nothing to do about it
	if event, err := windows.WaitForSingleObject(p, 0); err != nil || event == windows.WAIT_OBJECT_0 {
		return nil
	}
	return []int{t.leader}
}

func sysProcAttr(*User) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: windows.CREATE_NEW_PROCESS_GROUP}
}

func isTextBusy(error) bool { return false }

func isNoExec(err error) bool { return errors.Is(err, windows.ERROR_BAD_EXE_FORMAT) }
