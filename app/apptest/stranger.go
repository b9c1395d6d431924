package apptest

// AddCheckRun adds a check run of a commit as another App makes one.
func (r *Repository) AddCheckRun(by *App, sha string, run CheckRun) {
	r.g.change(func() error {
		run.ID, run.SHA, run.Suite, run.app, run.made = r.g.nextID(), sha, r.suiteOf(by, sha).ID, by, r.g.Now()
		r.checks = append(r.checks, &run)
		return nil
	})
}

// AddStatus adds a commit status as somebody posts one who may push.
func (r *Repository) AddStatus(by *Account, sha string, s Status) {
	r.g.change(func() error {
		s.sha, s.Creator, s.bot = sha, by.Login, by
		r.addStatus(s)
		return nil
	})
}
