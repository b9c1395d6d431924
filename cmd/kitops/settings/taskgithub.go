package settings

import "github.com/bittrance/kitops/poller/secret"

// github fills in what the task, defaults, flags and variables say of the App.
func (f taskFile) github(s *section[githubKeys]) *GitHub {
	keys := &s.keys
	g := &GitHub{
		AppID:         f.flags.App.AppID,
		KeyFile:       f.flags.App.PrivateKeyFile,
		Key:           f.flags.App.PrivateKey,
		StatusContext: f.flags.Status.Context,
		Environment:   f.flags.Status.DeployTo, EnvironmentURL: f.flags.Status.DeployURL,
		Comment:  f.flags.Status.Comment,
		Explicit: !s.inherited,
		Own:      true,
	}
	if keys.AppID.given {
		if g.AppID = keys.AppID.value; g.AppID != "" {
			f.judge(keys.AppID.node, "app_id", checkAppID(g.AppID))
		}
	} else if g.AppID == "" && !f.common {
		f.Wrong(s.body, "github has no app_id, and --github-app-id is not set")
	}
	if keys.KeyFile.given {
		if file := keys.KeyFile.value; file != "" {
			g.KeyFile, g.Key = f.path(file), secret.Text{}
			f.judge(keys.KeyFile.node, "private_key_file", checkKeyFile(g.KeyFile))
		}
	} else if g.KeyFile == "" && !f.flags.App.PrivateKey.Given() {
		if !f.common {
			f.Wrong(s.body, "github has no private_key_file, and --github-private-key-file is not set")
		}
	} else if other := f.flags.App.AppID; other != "" && g.AppID != other && !f.common {
		f.Wrong(s.body, "github has an app_id of its own but no private_key_file: the known key is that of App %s", other)
	}
	g.Report = reportKind(f.flags.Status.Report)
	if keys.Report.given {
		g.Report = reportKind(keys.Report.value)
	}
	if mode := keys.Log.value; mode != logNone {
		g.CheckLog = mode
	}
	g.Fleet = keys.Fleet.value == "one"
	f.deployment(keys, g)
	if file := keys.Comment.value; file != "" {
		g.Comment = file
		f.judge(keys.Comment.node, "comment", checkComment(file))
	}
	if context := keys.Context.value; context != "" {
		g.StatusContext = context
		f.judge(keys.Context.node, "status_context", checkStatusContext(context))
	}
	return g
}

// Permissions are what a task needs of its App beside reading contents and posting
// statuses: checks → write.
func (t Task) Permissions() map[string]string {
	all := t.Pulls.permissions()
	if t.GitHub == nil {
		return all
	}
	if len(t.Rules.Requires) > 0 {
		all["checks"], all["statuses"] = "read", "read"
	}
	for permission, wanted := range map[string]bool{
		"checks": t.GitHub.Report == ReportCheck, "deployments": t.GitHub.Environment != "" || t.Pulls != nil && t.Pulls.Environment != "", "pull_requests": t.GitHub.Comment != "",
	} {
		if wanted {
			all[permission] = "write"
		}
	}
	return all
}
