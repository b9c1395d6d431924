package settings

// topKeys are those of a task file.
type topKeys struct {
	Defaults section[taskKeys] `key:"defaults" shared:"yes" help:"What every task gets that leaves it out. Mappings such as git: and github: are merged key by key; lists such as actions: are taken as a whole."`
	Tasks    list[taskKeys]    `key:"tasks" each:"task" need:"yes" help:"What to watch and do."`
}

// taskKeys are those of one task.
type taskKeys struct {
	Name    text                `key:"name" own:"yes" need:"yes" help:"Unique. It names the state, the status context and the log lines."`
	Git     section[gitKeys]    `key:"git" need:"yes" help:"What to watch."`
	GitHub  section[githubKeys] `key:"github" help:"The GitHub App of the repository. The flags --github-app-id and so on are its defaults."`
	OnNew   text                `key:"on_new" values:"remember,run" default:"remember" help:"What becomes of branches that a pattern matches at the task's first poll: they are remembered and run when they move, or run."`
	OnNone  text                `key:"on_nothing" values:"success,silent" default:"success" help:"What a commit is told for which the file of config has nothing to run: success, or nothing (silent)."`
	Every   span                `key:"interval" default:"--interval" help:"How often to poll, shortened at random by up to 10 %."`
	Timeout span                `key:"timeout" default:"--timeout" help:"Time for one run: fetch and all actions."`
	Config  text                `key:"config" not:"actions" clash:"config and actions exclude each other: the repository brings the actions" help:"The file of the repository that says what to do, at the revision being run, instead of actions. See below what it may say."`
	Allow   section[allowKeys]  `key:"allow" help:"What the actions of that file may have."`
	Actions list[actionKeys]    `key:"actions" each:"action" need:"config" elsewhere:"yes" help:"Commands, run in order; the first that fails ends the run."`
}

// gitKeys say what to watch.
type gitKeys struct {
	URL         text    `key:"url" own:"yes" need:"urls" help:"Repository: https://, http://, ssh://, git@host:path, file:// or a path relative to the task file. With a GitHub App also a pattern such as acme/*."`
	URLs        texts   `key:"urls" own:"yes" not:"url" each:"url" help:"Patterns for the repositories of a GitHub App, such as acme/{api,web}-*; !pattern excludes. Each that matches has a task of its own."`
	Branch      text    `key:"branch" default:"the remote's default branch" help:"A name, or a pattern such as release/* or **."`
	Branches    texts   `key:"branches" not:"branch" each:"branch" help:"Several names and patterns; !pattern excludes."`
	SSHKeyFile  text    `key:"ssh_key_file" default:"--ssh-key-file" help:"Private key for an ssh repository, relative to the task file."`
	Checkout    text    `key:"checkout" values:"fresh,reuse" default:"fresh" help:"Whether each run has a working directory of its own, or each branch one that is brought up to date."`
	Clean       boolean `key:"clean" default:"false" help:"With checkout: reuse, remove what is not of the revision before each run."`
	DotGit      boolean `key:"dot_git" default:"false" help:"Put a .git into the working directory, for actions that call git."`
	History     commits `key:"history" default:"1" help:"How many commits .git has, or full for all; implies dot_git."`
	Submodules  boolean `key:"submodules" default:"false" help:"Check out submodules, too."`
	Credentials texts   `key:"submodule_credentials" each:"submodule_credentials" help:"Addresses, or patterns of the GitHub App's repositories, of submodules that may be read with the task's credentials. With submodules: true."`
}

// githubKeys are those of a GitHub App and what it is told.
type githubKeys struct {
	AppID   word `key:"app_id" default:"--github-app-id" help:"App ID (a number) or client ID (Iv...)."`
	KeyFile text `key:"private_key_file" default:"--github-private-key-file" help:"The App's private key (PEM), relative to the task file."`
	Context text `key:"status_context" default:"--github-status-context" null:"write off for no commit statuses" help:"Context of the commit statuses, or off for none."`
}

// allowKeys are what an operator grants to the actions of a repository.
type allowKeys struct {
	Inherit boolean     `key:"inherit_environment" default:"false" help:"They may ask for the agent's environment."`
	Token   permissions `key:"github_token" default:"false" help:"They may ask for a token: true for contents: read, or a mapping of the permissions that they may have at most."`
}

// actionKeys are those of one command.
type actionKeys struct {
	Name        text        `key:"name" default:"action-N" help:"For log lines and statuses."`
	Entrypoint  text        `key:"entrypoint" need:"run" help:"Program to run: a path, or a name looked up in PATH."`
	Args        words       `key:"args" each:"argument" help:"Its arguments, as they are."`
	Run         text        `key:"run" not:"entrypoint,args" clash:"run is short for entrypoint and args: give either" help:"Command line for /bin/sh -c, instead of entrypoint and args."`
	Environment variables   `key:"environment" help:"Variables for the action. Nothing is expanded."`
	Inherit     boolean     `key:"inherit_environment" default:"false" help:"Give it the agent's environment but what concerns kitops."`
	Token       permissions `key:"github_token" default:"false" help:"Give it a token for this repository in GITHUB_TOKEN and for git: true for contents: read, or a mapping of permissions."`
}

// broughtKeys are those of a file that a repository brings.
type broughtKeys struct {
	Actions  list[actionKeys] `key:"actions" each:"action" need:"yes" help:"As in a task."`
	Branches texts            `key:"branches" each:"branch" default:"all that the task watches" help:"Names and patterns of branches for which there is something to do; !pattern excludes."`
	Timeout  span             `key:"timeout" help:"Time for the actions, at most the task's."`
}
