package main

import (
	"github.com/goccy/go-yaml/ast"
)

func (f taskFile) github(n ast.Node) *githubSettings {
	m := f.mapping(n, "github", "app_id", "private_key_file", "status_context")
	g := &githubSettings{
		AppID:         f.defaults.App.AppID,
		KeyFile:       f.defaults.App.PrivateKeyFile,
		Key:           f.defaults.App.PrivateKey,
		StatusContext: f.defaults.Status.Context,
		Explicit:      true,
	}
	if id, ok := m.values["app_id"]; ok {
		if g.AppID = f.scalar(id, "app_id"); g.AppID != "" {
			f.judge(id, "app_id", checkAppID(g.AppID))
		}
	} else if g.AppID == "" {
		f.wrong(m.node, "github has no app_id, and --github-app-id is not set")
	}
	if key, ok := m.values["private_key_file"]; ok {
		if file := f.text(key, "private_key_file"); file != "" {
			g.KeyFile, g.Key = f.path(file), ""
			f.judge(key, "private_key_file", checkKeyFile(g.KeyFile))
		}
	} else if g.KeyFile == "" && f.defaults.App.PrivateKey == "" {
		f.wrong(m.node, "github has no private_key_file, and --github-private-key-file is not set")
	} else if other := f.defaults.App.AppID; other != "" && g.AppID != other {
		f.wrong(m.node, "github has an app_id of its own but no private_key_file: the known key is that of App %s", other)
	}
	if text := m.text("status_context"); text != "" {
		g.StatusContext = text
		f.judge(m.values["status_context"], "status_context", checkContext(text))
	}
	return g
}

// token is true for one that reads the repository, or the permissions it is to have.
func (f taskFile) token(n ast.Node) map[string]string {
	permissions := map[string]string{}
	switch value := f.value(n).(type) {
	case *ast.BoolNode:
		if !value.Value {
			return nil
		}
		permissions["contents"] = "read"
	case *ast.MappingNode:
		if len(value.Values) == 0 {
			f.wrong(n, "github_token names no permission")
		}
		for _, entry := range value.Values {
			name := f.key(entry.Key)
			if permissions[name] != "" {
				f.wrong(entry.Key, "duplicate key %q in github_token", name)
			}
			level := f.text(entry.Value, "github_token")
			if level != "" && level != "read" && level != "write" {
				f.wrong(entry.Value, "github_token: a permission is read or write, not %q", level)
			}
			permissions[name] = level
		}
	default:
		f.wrongType(n, "github_token", "true, false or a mapping such as {contents: read}")
	}
	return permissions
}
