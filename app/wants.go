package app

import "maps"

// Want says which permissions the tokens have from now on, where they are granted, beside those to read contents and
// to post statuses: checks → write.
func (a *App) Want(permissions map[string]string) {
	permissions = maps.Clone(permissions)
	a.wants.Store(&permissions)
}

// wantAlso is Want of one permission more.
func (a *App) wantAlso(name, level string) {
	all := map[string]string{name: level}
	if before := a.wants.Load(); before != nil {
		maps.Copy(all, *before)
	}
	a.wants.Store(&all)
}

// wanted are the least permissions that do.
func (a *App) wanted() map[string]string {
	wanted := map[string]string{"contents": "read", "metadata": "read"}
	if a.statuses.Load() {
		wanted["statuses"] = "write"
	}
	if more := a.wants.Load(); more != nil {
		for permission, level := range *more {
			if wanted[permission] != "write" {
				wanted[permission] = level
			}
		}
	}
	if a.checks.Load() {
		wanted["checks"] = "write"
	}
	return wanted
}

// usable is wanted ∩ granted: a token asked for with more is refused altogether.
func (i *installation) usable() map[string]string {
	wanted := i.app.wanted()
	maps.DeleteFunc(wanted, func(permission, level string) bool {
		if level == "write" && !i.grant.allows(permission, level) {
			level = "read" // which something else may want
			wanted[permission] = level
		}
		return !i.grant.allows(permission, level)
	})
	return wanted
}
