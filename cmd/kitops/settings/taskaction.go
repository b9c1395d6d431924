package settings

import (
	"fmt"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/poller/secret"
)

// actions makes actions of their keys. Each gets the secrets of its task.
func (f taskFile) actions(all *list[actionKeys], secrets map[string]actions.Secret) []actions.Action {
	f.common = false
	var made []actions.Action
	for i := range all.entries {
		a := f.action(&all.entries[i], i+1)
		a.Secrets = f.granted(&all.entries[i].keys.Secrets, secrets)
		made = append(made, a)
	}
	return made
}

func (f taskFile) action(e *entry[actionKeys], number int) actions.Action {
	keys := &e.keys
	f.require(keys, e.body, "action")
	a := actions.Action{
		Name: fmt.Sprintf("action-%d", number), InheritEnvironment: keys.Inherit.value,
		Environment: keys.Environment.values, Token: keys.Token.values,
	}
	a.Grace = f.grace(&keys.Grace)
	a.Limits = f.limits(&keys.Limits)
	a.CancelAfter = keys.Cancel.value == "after"
	if name := keys.Name.value; name != "" {
		a.Name = name
		f.judge(keys.Name.node, "name", checkName(name))
	}
	if keys.Run.given {
		return withShell(a, keys.Run.value)
	}
	a.Entrypoint, a.Args = keys.Entrypoint.value, keys.Args.values
	return a
}

// actionShown is an action as a task file has it, with secrets masked.
func actionShown(a actions.Action) actionKeys {
	keys := actionKeys{
		Name:    text{given(), a.Name},
		Inherit: boolean{given(), a.InheritEnvironment},
	}
	if a.Grace > 0 {
		keys.Grace = span{given(), a.Grace}
	}
	keys.Limits = limitsShown(a.Limits)
	if a.CancelAfter {
		keys.Cancel = text{given(), "after"}
	}
	if a.Token != nil {
		keys.Token = permissions{given(), a.Token}
	}
	if a.Entrypoint == "/bin/sh" && len(a.Args) == 2 && a.Args[0] == "-c" {
		keys.Run = text{given(), masked(a.Args[1])}
	} else {
		keys.Entrypoint = text{given(), masked(a.Entrypoint)}
		for _, arg := range a.Args {
			keys.Args.given = true
			keys.Args.values = append(keys.Args.values, masked(arg))
		}
	}
	if a.Secrets != nil {
		keys.Secrets = sources{place: given(), values: a.Secrets}
	}
	if len(a.Environment) > 0 {
		keys.Environment = variables{given(), map[string]secret.Text{}}
	}
	for name, value := range a.Environment {
		if keys.Environment.values[name] = secret.New(masked(value.Reveal())); secretName().MatchString(name) {
			keys.Environment.values[name] = secret.New(mask)
		}
	}
	return keys
}
