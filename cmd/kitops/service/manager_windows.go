package service

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"
	"golang.org/x/sys/windows/svc"
	"golang.org/x/sys/windows/svc/mgr"
)

// account is the service's own, which Windows makes: no other service and no user is it.
const account = `NT SERVICE\` + windowsName

// readyWords are in the log when the agent is ready.
const readyWords = "kitops is watching"

func (s *Service) installWindows(ctx context.Context, p places, changed bool) error {
	manager, err := mgr.Connect()
	if err != nil {
		return fmt.Errorf("ask Windows' service manager (call it as an administrator): %w", err)
	}
	defer func() { _ = manager.Disconnect() }()
	service, err := s.register(manager, p)
	if err != nil {
		return err
	}
	defer func() { _ = service.Close() }()
	now, err := service.Query()
	if err != nil {
		return fmt.Errorf("ask for the service: %w", err)
	}
	switch {
	case s.NoStart:
		s.say("kitops is installed, and starts with the machine. To start it now: sc start %s", windowsName)
		return nil
	case now.State == svc.Running && !changed:
		s.say("kitops runs already, as it is installed.")
	default:
		if err := startWindows(ctx, service, p); err != nil {
			return err
		}
		s.say("kitops is ready, and starts with the machine.")
	}
	s.tell(p)
	s.say("")
	s.say("Its log:        Get-Content -Wait \"%s\"", p.Log)
	s.say("Take new tasks: sc stop %s, then sc start %s", windowsName, windowsName)
	s.say("Stop for good:  %s service uninstall", p.Program)
	return nil
}

// register makes the service, or brings it up to date.
func (s *Service) register(manager *mgr.Mgr, p places) (*mgr.Service, error) {
	c := mgr.Config{
		StartType: mgr.StartAutomatic, ErrorControl: mgr.ErrorNormal, DelayedAutoStart: true, ServiceStartName: account,
		DisplayName: "kitops", Description: "Runs commands when Git repositories change.", SidType: windows.SERVICE_SID_TYPE_UNRESTRICTED,
	}
	service, err := manager.OpenService(windowsName)
	if err == nil {
		c.ServiceType = windows.SERVICE_WIN32_OWN_PROCESS
		c.BinaryPathName = windows.ComposeCommandLine(append([]string{p.Program}, argsWindows(p)...))
		err = service.UpdateConfig(c)
	} else if errors.Is(err, windows.ERROR_SERVICE_DOES_NOT_EXIST) {
		service, err = manager.CreateService(windowsName, p.Program, c, argsWindows(p)...)
	}
	if err != nil {
		return nil, fmt.Errorf("register the service: %w", err)
	}
	restart := mgr.RecoveryAction{Type: mgr.ServiceRestart, Delay: 5 * time.Second}
	err = errors.Join(
		service.SetRecoveryActions([]mgr.RecoveryAction{restart, restart, restart}, 24*60*60),
		service.SetRecoveryActionsOnNonCrashFailures(true),
		setEnviron(environWindows(p)),
	)
	if err != nil {
		_ = service.Close()
		return nil, fmt.Errorf("set the service up: %w", err)
	}
	return service, nil
}

// guardWindows makes the folders of the service, before anything is in them, and stops one whose
// program is to be replaced: Windows replaces none that runs.
func (s *Service) guardWindows(ctx context.Context, p places) error {
	old, err := os.ReadFile(p.Program)
	next, err2 := os.ReadFile(s.Program)
	if err == nil && err2 == nil && !bytes.Equal(old, next) {
		if err := stopInstalled(ctx); err != nil {
			return err
		}
	}
	return errors.Join(allow(filepath.Dir(p.Config), mayRead), allow(filepath.Dir(p.State), mayChange))
}

func setEnviron(variables []string) error {
	key, err := registry.OpenKey(registry.LOCAL_MACHINE, `SYSTEM\CurrentControlSet\Services\`+windowsName, registry.SET_VALUE)
	if err != nil {
		return err
	}
	defer func() { _ = key.Close() }()
	return key.SetStringsValue("Environment", variables)
}

// startWindows starts it anew, and returns when its log says that it is ready.
func startWindows(ctx context.Context, service *mgr.Service, p places) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	if err := stopWindows(ctx, service); err != nil {
		return err
	}
	before := sizeOf(p.Log)
	if err := service.Start(); err != nil {
		return fmt.Errorf("start the service: %w", err)
	}
	for {
		now, err := service.Query()
		switch {
		case err != nil:
			return fmt.Errorf("ask for the service: %w", err)
		case now.State == svc.Stopped:
			return fmt.Errorf("kitops is installed and does not start; its last log lines:\n%s", tail(p.Log, before))
		}
		if said, _ := since(p.Log, before); now.State == svc.Running && strings.Contains(said, readyWords) {
			return nil
		}
		if err := pause(ctx); err != nil {
			return fmt.Errorf("kitops is installed and does not start (%w); its last log lines:\n%s", err, tail(p.Log, before))
		}
	}
}

// withStopped calls f with the service, if there is one, when it has stopped.
func withStopped(ctx context.Context, f func(service *mgr.Service) error) error {
	manager, err := mgr.Connect()
	if err != nil {
		return fmt.Errorf("ask Windows' service manager (call it as an administrator): %w", err)
	}
	defer func() { _ = manager.Disconnect() }()
	service, err := manager.OpenService(windowsName)
	if errors.Is(err, windows.ERROR_SERVICE_DOES_NOT_EXIST) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open the service: %w", err)
	}
	defer func() { _ = service.Close() }()
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	if err := stopWindows(ctx, service); err != nil {
		return err
	}
	return f(service)
}

// stopInstalled stops the service if there is one.
func stopInstalled(ctx context.Context) error {
	return withStopped(ctx, func(*mgr.Service) error { return nil })
}

// stopWindows returns when it has stopped.
func stopWindows(ctx context.Context, service *mgr.Service) error {
	now, err := service.Query()
	for {
		switch {
		case err != nil:
			return fmt.Errorf("stop the service: %w", err)
		case now.State == svc.Stopped:
			return nil
		case now.State == svc.Running:
			if now, err = service.Control(svc.Stop); err != nil {
				continue
			}
		}
		if err := pause(ctx); err != nil {
			return fmt.Errorf("stop the service: %w", err)
		}
		now, err = service.Query()
	}
}

func pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(again):
		return nil
	}
}

// statusWindows needs no rights of an administrator.
func (s *Service) statusWindows() error {
	manager, err := windows.OpenSCManager(nil, nil, windows.SC_MANAGER_CONNECT)
	if err != nil {
		return fmt.Errorf("ask Windows' service manager: %w", err)
	}
	defer func() { _ = windows.CloseServiceHandle(manager) }()
	handle, err := windows.OpenService(manager, windows.StringToUTF16Ptr(windowsName), windows.SERVICE_QUERY_STATUS|windows.SERVICE_QUERY_CONFIG)
	if err != nil {
		return fmt.Errorf("%w: there is no service of that name; kitops service install makes it", ErrNotRunning)
	}
	service := &mgr.Service{Name: windowsName, Handle: handle}
	defer func() { _ = service.Close() }()
	now, err := service.Query()
	if err != nil {
		return fmt.Errorf("ask for the service: %w", err)
	}
	p, err := s.placesWindows()
	if err != nil {
		return err
	}
	if c, err := service.Config(); err == nil {
		if words, err := windows.DecomposeCommandLine(c.BinaryPathName); err == nil {
			p.fill(words)
		}
	}
	s.say("kitops is %s, process %d", stateName(now.State), now.ProcessId)
	s.tell(p)
	if now.State != svc.Running {
		return fmt.Errorf("%w; its last log lines:\n%s", ErrNotRunning, tail(p.Log, 0))
	}
	return nil
}

func stateName(state svc.State) string {
	switch state {
	case svc.Running:
		return "running"
	case svc.Stopped:
		return "stopped"
	case svc.StartPending:
		return "starting"
	case svc.StopPending:
		return "stopping"
	}
	return "paused"
}

func (s *Service) uninstallWindows(ctx context.Context, _ *places) error {
	return withStopped(ctx, (*mgr.Service).Delete)
}
