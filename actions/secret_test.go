package actions_test

import (
	"testing"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/poller/secret"
	"github.com/bittrance/kitops/poller/secret/secrettest"
)

func TestActionsShowNoEnvironment(t *testing.T) {
	a := actions.Action{Name: "deploy", Environment: map[string]secret.Text{"PASSWORD": secret.New("hunter2")}}
	secrettest.Hidden(t, []string{"hunter2"}, a, &a, []actions.Action{a})
}
