package main

import (
	"github.com/spf13/cobra"

	"github.com/bittrance/kitops/cmd/kitops/doctor"
	"github.com/bittrance/kitops/cmd/kitops/installed"
	"github.com/bittrance/kitops/cmd/kitops/service"
)

func (p program) doctorCommand() *cobra.Command {
	trial := false
	command := p.withOptions(&cobra.Command{
		Use: "doctor [flags]", Short: "Try everything that a run needs, and say how to fix what does not work",
		RunE: func(cmd *cobra.Command, _ []string) error {
			d := doctor.Doctor{Out: p.stdout, Process: p.process(), NotifyTrial: trial, RunnerReleases: "https://github.com/actions/runner/releases"}
			if self, err := installed.File(); err == nil {
				d.Unit.Path, d.Unit.Stop, d.Unit.Asked = service.Stop(self, p.environ)
			}
			return d.Run(cmd.Context(), p.options)
		},
	})
	command.Flags().BoolVar(&trial, "notify-trial", false, "send a trial message to everybody who is to be notified")
	return command
}
