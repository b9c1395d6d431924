package settings

import (
	"github.com/goccy/go-yaml/ast"
)

func (f taskFile) github(n ast.Node) *GitHub {
	m := f.Mapping(n, "github", "app_id", "private_key_file", "status_context")
	g := &GitHub{
		AppID:         f.defaults.App.AppID,
		KeyFile:       f.defaults.App.PrivateKeyFile,
		Key:           f.defaults.App.PrivateKey,
		StatusContext: f.defaults.Status.Context,
		Explicit:      true,
	}
	if id, ok := m.Values["app_id"]; ok {
		if g.AppID = f.Scalar(id, "app_id"); g.AppID != "" {
			f.judge(id, "app_id", checkAppID(g.AppID))
		}
	} else if g.AppID == "" {
		f.Wrong(m.Node, "github has no app_id, and --github-app-id is not set")
	}
	if key, ok := m.Values["private_key_file"]; ok {
		if file := f.Text(key, "private_key_file"); file != "" {
			g.KeyFile, g.Key = f.path(file), ""
			f.judge(key, "private_key_file", checkKeyFile(g.KeyFile))
		}
	} else if g.KeyFile == "" && f.defaults.App.PrivateKey == "" {
		f.Wrong(m.Node, "github has no private_key_file, and --github-private-key-file is not set")
	} else if other := f.defaults.App.AppID; other != "" && g.AppID != other {
		f.Wrong(m.Node, "github has an app_id of its own but no private_key_file: the known key is that of App %s", other)
	}
	if text := m.Text("status_context"); text != "" {
		g.StatusContext = text
		f.judge(m.Values["status_context"], "status_context", checkContext(text))
	}
	return g
}

// token is true for one that reads the repository, or the permissions it is to have.
func (f taskFile) token(n ast.Node) map[string]string {
	permissions := map[string]string{}
	switch value := f.Value(n).(type) {
	case *ast.BoolNode:
		if !value.Value {
			return nil
		}
		permissions["contents"] = "read"
	case *ast.MappingNode:
		if len(value.Values) == 0 {
			f.Wrong(n, "github_token names no permission")
		}
		for _, entry := range value.Values {
			name := f.Key(entry.Key)
			if permissions[name] != "" {
				f.Wrong(entry.Key, "duplicate key %q in github_token", name)
			}
			level := f.Text(entry.Value, "github_token")
			if level != "" && level != "read" && level != "write" {
				f.Wrong(entry.Value, "github_token: a permission is read or write, not %q", level)
			}
			permissions[name] = level
		}
	default:
		f.WrongType(n, "github_token", "true, false or a mapping such as {contents: read}")
	}
	return permissions
}
