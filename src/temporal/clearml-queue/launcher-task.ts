/**
 * The launcher's half that speaks to ClearML, in Python: whose task it is, by the agent's own configuration, and calls that
 * outlast an outage.
 */
export const TASK_PART = String.raw`class Refused(Exception):
    """ClearML does not know these keys."""


def clearml_env(name):
    return os.environ.get("CLEARML_" + name) or os.environ.get("TRAINS_" + name) or ""


def agents_config():
    """The section api of what the agent was configured with: JSON, as agents write it, or of a person's file what is needed."""
    try:
        with open(os.path.expanduser(clearml_env("CONFIG_FILE"))) as file:
            text = file.read()
    except OSError:
        return {}
    try:
        return json.loads(text).get("api") or {}
    except ValueError:
        found = lambda name: (re.findall(r'(?m)^[^#\n]*?\b%s"?\s*[:=]\s*"?([^"\s,}]+)' % name, text) or [""])[-1]
        keys = {"access_key": found("access_key"), "secret_key": found("secret_key")}
        return {"api_server": found("api_server"), "credentials": keys}


class Task:
    """The task that the agent runs, as far as the launcher needs it."""

    def __init__(self):
        api = agents_config()
        keys = api.get("credentials") or {}
        access = clearml_env("API_ACCESS_KEY") or keys.get("access_key") or ""
        secret = clearml_env("API_SECRET_KEY") or keys.get("secret_key") or ""
        token = clearml_env("AUTH_TOKEN")
        self.id = clearml_env("TASK_ID")
        self.host = (clearml_env("API_HOST") or api.get("api_server") or api.get("host") or "").rstrip("/")
        if not self.host or not (access and secret or token):
            raise Refused("neither its environment nor CLEARML_CONFIG_FILE says where ClearML is and with which keys it is asked")
        basic = base64.b64encode((access + ":" + secret).encode()).decode()
        self.authorization = "Basic " + basic if access else "Bearer " + token
        verify = str(clearml_env("API_HOST_VERIFY_CERT") or api.get("verify_certificate", True))
        if verify.lower() in ("0", "false", "no"):
            self.tls = ssl._create_unverified_context()
        else:
            # As the agent's own client takes them; SSL_CERT_FILE counts by itself.
            files = [verify, os.environ.get("REQUESTS_CA_BUNDLE"), os.environ.get("CURL_CA_BUNDLE")]
            self.tls = ssl.create_default_context(cafile=next((file for file in files if file and os.path.isfile(file)), None))

    def call(self, action, body):
        request = urllib.request.Request(
            self.host + "/" + action,
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json", "Authorization": self.authorization},
        )
        try:
            with urllib.request.urlopen(request, timeout=30, context=self.tls) as answer:
                return json.loads(answer.read())["data"]
        except urllib.error.HTTPError as error:
            if error.code in (401, 403):
                raise Refused("%s answers %d to the keys of the agent" % (self.host, error.code))
            raise

    def look(self):
        """None: deleted."""
        fields = ["id", "status", "status_message", "runtime"]
        tasks = self.call("tasks.get_all", {"id": [self.id], "only_fields": fields, "search_hidden": True})["tasks"]
        return tasks[0] if tasks else None

    def note(self, key, value):
        try:
            self.call("tasks.edit_runtime", {"task": self.id, "add_or_update": {key: value}})
        except urllib.error.HTTPError:
            # An older server, or a task that somebody ended meanwhile.
            task = self.look()
            if task is not None:
                runtime = dict(task.get("runtime") or {}, **{key: value})
                self.call("tasks.edit", {"task": self.id, "force": True, "runtime": runtime})


def patiently(what, parent=None, seconds=None):
    """Tries until ClearML answers, for so long at most, or for as long as the agent is there."""
    until = None if seconds is None else time.monotonic() + seconds
    pause = 0.5
    while True:
        if parent is not None and os.getppid() != parent:
            sys.exit("[trainer-sdk] the agent is gone")
        try:
            return what()
        except Refused:
            raise
        except Exception as error:
            if pause == 0.5:
                print("[trainer-sdk] ClearML cannot be reached, which is tried on: %s" % error)
            if until is not None and time.monotonic() > until:
                return None
            time.sleep(pause)
            pause = min(pause * 2, 15)
`;
