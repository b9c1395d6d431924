package apptest

// State says something of a commit as an account does, such as that of a build server.
func (r *Repository) State(by, sha, context, state string) {
	r.g.change(func() error {
		who, err := r.g.account(by)
		if err == nil {
			r.addStatus(Status{sha: sha, State: state, Context: context, Creator: who.Login, bot: who})
		}
		return err
	})
}

// Bot is the account that an App acts as.
func (a *App) Bot() *Account { return &Account{ID: a.ID, Login: a.Slug + "[bot]", Type: "Bot"} }

// StateAs is State of an App.
func (r *Repository) StateAs(app *App, sha, context, state string) {
	r.g.change(func() error {
		r.addStatus(Status{sha: sha, State: state, Context: context, Creator: app.Bot().Login, bot: app.Bot()})
		return nil
	})
}

// Check says something of a commit as an App does: a check run, in progress without a conclusion, and completed with one.
func (r *Repository) Check(app *App, sha, name, conclusion string) (run CheckRun) {
	r.g.change(func() error {
		suite := r.suiteOf(app, sha)
		now := r.g.Now()
		made := &CheckRun{ID: r.g.nextID(), Suite: suite.ID, Name: name, SHA: sha, Status: "in_progress", app: app, made: now, started: &now}
		if conclusion != "" {
			made.Status, made.Conclusion, made.completed = "completed", conclusion, &now
		}
		r.checks = append(r.checks, made)
		run = *made
		return nil
	})
	return run
}

// CheckEvent is what an App is told of a check run: created, completed.
func (r *Repository) CheckEvent(action string, run CheckRun) Event {
	return r.checkEvent("check_run", action, run.ID, run.app.Bot())
}

// StatusEvent is what an App is told of the newest status of a commit.
func (r *Repository) StatusEvent(sha string) Event {
	r.g.mu.Lock()
	defer r.g.mu.Unlock()
	all := r.statuses[sha]
	newest := all[len(all)-1]
	return Event{Name: "status", Repository: r, Payload: fields{
		"id": newest.ID, "sha": sha, "name": r.fullName(), "context": newest.Context, "state": newest.State, "description": orNull(newest.Description),
		"target_url": orNull(newest.TargetURL), "branches": []fields{}, "commit": fields{"sha": sha}, "created_at": stamp(newest.Created),
		"updated_at": stamp(newest.Created), "sender": r.g.describeAccount(newest.bot),
	}}
}
