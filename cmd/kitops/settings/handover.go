package settings

import (
	"cmp"
	"path/filepath"
	"strings"

	"github.com/caarlos0/env/v10"

	"github.com/bittrance/kitops/actions"
)

// Beside is the path that the agent has its own files beside, before anything is checked: its
// state file or, where the state is shared, one in its lasting directory for clones; "" for none.
func (all Options) Beside(environ []string) string {
	variables := env.ToMap(environ)
	return BesideOf(all.unchecked("STATE", variables), all.unchecked("STATE_FILE", variables), all.unchecked("REPO_DIR", variables))
}

// BesideName is what the names of files begin with that lie beside no state file.
const BesideName = "kitops"

// BesideOf is the same of an agent with this state, state file and directory for clones.
func BesideOf(state, stateFile, repoDir string) string {
	path, isFile := strings.CutPrefix(state, "file:")
	switch {
	case state == "":
		return stateFile
	case isFile:
		return path
	case repoDir == "":
		return ""
	}
	return filepath.Join(repoDir, BesideName)
}

// unchecked is the value of an option as its flag or its variable gives it.
func (all Options) unchecked(key string, variables map[string]string) string {
	o := all.ByKey(key)
	if len(o.Given) > 0 {
		return o.Given[len(o.Given)-1].Reveal()
	}
	return cmp.Or(variables[o.Variable()], o.Fallback)
}

// SecretVariables names the variables that have a secret in them, which every
// process of the same user can read until the agent has isolated itself.
func (all Options) SecretVariables(environ []string) []string {
	var names []string
	variables := env.ToMap(environ)
	for _, key := range []string{"GITHUB_PRIVATE_KEY", "WEBHOOK_SECRET", "WEBHOOK_RELAY", "ENVIRONMENT", "URL"} {
		name := all.ByKey(key).Variable()
		value := variables[name]
		if key == "URL" && !strings.Contains(value, "@") {
			continue
		}
		if value != "" {
			names = append(names, name)
		}
	}
	if !strings.Contains(all.unchecked("STATE", variables), "://") {
		return names
	}
	for _, name := range storeSecrets() {
		if variables[name] != "" {
			names = append(names, name)
		}
	}
	return names
}

// Exposable are those that actions could read in the moment in which another program starts: none
// where they are another user's.
func (all Options) Exposable(environ []string) []string {
	user, err := Settings{Config: Config{Actions: actions.Config{User: all.unchecked("ACTION_USER", env.ToMap(environ))}}}.User()
	if err == nil && user.IsAnother() {
		return nil
	}
	return all.SecretVariables(environ)
}

// storeSecrets are the variables by which a shared store is reached, see docs/many-instances.md.
func storeSecrets() []string {
	return []string{
		"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN",
		"AZURE_STORAGE_CONNECTION_STRING", "AZURE_STORAGE_SAS_TOKEN",
		"AZURE_STORAGE_KEY", "AZURE_STORAGE_ACCESS_KEY", "AZURE_STORAGE_ACCOUNT_KEY",
		"AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PASSWORD",
	}
}
