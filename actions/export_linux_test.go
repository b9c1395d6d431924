package actions

// ProcessesOf lets tests see which processes a user has.
func ProcessesOf(uid int) []int { return processesOf(uid) }
