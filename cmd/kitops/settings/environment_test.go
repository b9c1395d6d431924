package settings

import (
	"maps"
	"slices"
	"testing"

	"github.com/bittrance/kitops/poller/git"
)

func TestLists(t *testing.T) {
	tests := map[string]struct {
		environ     []string
		args        []string
		refs        git.Patterns
		environment map[string]string
	}{
		"flags": {
			args:        []string{"--branch", "a,b", "--branch", "!c", "--environment", "A=1,B=2", "--environment", "C=x\ny=z"},
			refs:        git.Patterns{"refs/heads/a,b", "!refs/heads/c"},
			environment: map[string]string{"A": "1,B=2", "C": "x\ny=z"},
		},
		"commas": {
			environ:     []string{"KITOPS_BRANCH=main, release/*,!release/x", "KITOPS_ENVIRONMENT=OPTS=a,b,X=1,3=4,_Y=="},
			refs:        git.Patterns{"refs/heads/main", "refs/heads/release/*", "!refs/heads/release/x"},
			environment: map[string]string{"OPTS": "a,b", "X": "1,3=4", "_Y": "="},
		},
		"lines": {
			environ:     []string{"KITOPS_BRANCH=a,b\nmain\n\n", "KITOPS_ENVIRONMENT=A=1,B=2\r\nC= x \n"},
			refs:        git.Patterns{"refs/heads/a,b", "refs/heads/main"},
			environment: map[string]string{"A": "1,B=2", "C": " x "},
		},
		"flags replace variables": {
			environ:     []string{"KITOPS_BRANCH=main", "KITOPS_ENVIRONMENT=A=1"},
			args:        []string{"--branch=x", "--environment=B="},
			refs:        git.Patterns{"refs/heads/x"},
			environment: map[string]string{"B": ""},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := mustLoad(t, test.environ, append(test.args, "--url=x", "--action=y")...)
			if task := s.Tasks[0]; !slices.Equal(task.Refs, test.refs) || !maps.Equal(plainly(task.Actions[0].Environment), test.environment) {
				t.Errorf("%q %q", task.Refs, plainly(task.Actions[0].Environment))
			}
		})
	}
}

func TestUnknownVariables(t *testing.T) {
	environ := []string{
		"KITOPS_INTERVAL=1m", "KITOPS_INTERVALL=1m", "KITOPS_BRANCHES=x", "PATH=/bin", "KITOPS_SHA=1", "KITOPS_LAST_SUCCESSFUL_SHA=1", "KITOPS_REF=1",
		"KITOPS_REF_NAME=1", "KITOPS_REPOSITORY_URL=1", "KITOPS_TASK_NAME=1", "KITOPS_ACTION_NAME=1", "KITOPS_RUN_ID=1", "KITOPS_RUN_ATTEMPT=1", "KITOPS_EVENT_FILE=1", "KITOPS_EVENT_NAME=1", "KITOPS_TAG=1", "KITOPS_TAG_SHA=1", "KITOPS_PULL_REQUEST=1", "KITOPS_BASE_REF=1", "KITOPS_BASE_SHA=1", "KITOPS_HEAD_SHA=1", "KITOPS_HEAD_REPOSITORY=1",
		"KITOPS_PORT=tcp://10.0.0.1:80", "KITOPS_PORT_80_TCP=x", "KITOPS_SERVICE_HOST=x",
	}
	_, warnings, err := loadWith(t, environ, "--url=x", "--action=y")
	want := []string{
		"unknown variable KITOPS_BRANCHES is ignored; did you mean KITOPS_BRANCH?",
		"unknown variable KITOPS_INTERVALL is ignored; did you mean KITOPS_INTERVAL?",
	}
	if err != nil || !slices.Equal(warnings, want) {
		t.Errorf("%q, %v", warnings, err)
	}
}
