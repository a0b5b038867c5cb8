"""What a program read laid beside what it had written; the suite counts and compares."""

import atexit

from sdk_program import answer


class Checks:
    """Collected while a program goes on; the suite is given them at its end, whichever end that is."""

    def __init__(self):
        self._made = []
        self._provoked = []
        self._extra = {}
        atexit.register(self.hand_in)

    def equal(self, what, read, written):
        self._made.append({"what": what, "read": read, "written": written})

    def raises(self, what, call, refused=None):
        """The call must fail. `refused` is the endpoint whose refusal is behind it; without it, the SDK refuses by itself."""
        if refused:
            self.provoke(refused)
        try:
            call()
        except Exception as error:  # Whichever class the SDK chose: its lines differ in that.
            self.equal(what, "an error", "an error")
        else:
            self.equal(what, "no error", "an error")

    def provoke(self, endpoint):
        """The server will refuse a call of this endpoint, which is no fault of either side."""
        self._provoked.append(endpoint)

    def tell(self, **extra):
        """Adds to the answer."""
        self._extra.update(extra)

    def hand_in(self):
        answer({"checks": self._made, "provoked": self._provoked, **self._extra})
