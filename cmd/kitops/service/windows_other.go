//go:build !windows

package service

import (
	"context"
	"errors"
	"os"
)

func (s *Service) installWindows(context.Context, places, bool) error { return errors.ErrUnsupported }

func (s *Service) guardWindows(context.Context, places) error { return errors.ErrUnsupported }

func (s *Service) statusWindows() error { return errors.ErrUnsupported }

func (s *Service) uninstallWindows(context.Context, *places) error { return errors.ErrUnsupported }

// Host does nothing: only Windows has its services called by a manager that they must answer.
func Host([]string, func([]string, *os.File, <-chan os.Signal) int) (code int, hosted bool) {
	return 0, false
}
