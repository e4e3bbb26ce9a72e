"""`rondo chat` at a terminal: lines are edited and found again, Ctrl-C ends an answer and not the conversation, and mistakes
are no end either.

The variable RONDO_PROGRAM is the command.
"""

import os
import pty
import select
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

EXPERIMENT = """
rondo: 1
name: talk
architecture: "N:N"
data: {reader: characters, train: t.txt, documents: lines}
model: {feedback: true, embedding: {size: 8}, layers: [{cell: gru, hidden: 16}]}
loss: {plugin: softmax_cross_entropy}
optimizer: {plugin: adam, lr: 0.02}
schedule: {epochs: 3, batch: 8}
"""

LIMIT = 60  # seconds until a test gives up


class Terminal:
    """A conversation in a pseudo-terminal."""

    def __init__(self, folder, *flags, locale="C.UTF-8"):
        self.text = ""
        self.process, self.terminal = pty.fork()
        if self.process == 0:
            os.chdir(folder)
            os.environ.update(TERM="xterm", LANG=locale, LC_ALL=locale)
            os.execv(os.environ["RONDO_PROGRAM"], ["rondo", "chat", "run", *flags])
        self.wait("> ")

    def send(self, keys):
        os.write(self.terminal, keys.encode())

    def wait(self, text, after=0):
        """Reads until `text` is there, after that many characters; returns what is there so far."""
        begin = time.monotonic()
        while text not in self.text[after:]:
            if time.monotonic() - begin > LIMIT:
                raise AssertionError(f"no {text!r} in {self.text!r}")
            if not self.read():
                break
        return self.text

    def read(self):
        """Reads what is there; False if the process has ended."""
        ready, _, _ = select.select([self.terminal], [], [], 0.2)
        try:
            self.text += os.read(self.terminal, 4096).decode(errors="replace") if ready else ""
        except OSError:
            return False
        return True

    def interrupt(self, line=""):
        """Ctrl-C, until there is a new prompt: between a prompt and the moment when the editor reads it ends nothing."""
        after, pressed, begin = len(self.text), 0, time.monotonic()
        while "> " not in self.text[after:]:
            if time.monotonic() - begin >= 3 * pressed:
                self.send(line + "\x03")
                pressed += 1
            self.read()
            if time.monotonic() - begin > LIMIT:
                raise AssertionError(f"no prompt in {self.text[after:]!r}")

    def ask(self, line, answer):
        """Types a line, and waits for a text after it."""
        after = len(self.text)
        self.send(line + "\r")
        self.wait(answer, after)
        self.wait("> ", self.text.index(answer, after) + len(answer))

    def end(self, keys="/quit\r"):
        """Ends the conversation and returns the exit status. The terminal is read until then, since a process waits for what it
        has written to be read. The keys are pressed again after a while: an end of input that comes between the prompt and
        the moment when the editor takes the terminal over is a character of the line."""
        begin, pressed = time.monotonic(), 0
        while time.monotonic() - begin < LIMIT:
            if time.monotonic() - begin >= 3 * pressed:
                self.send(keys)
                pressed += 1
            ended, status = os.waitpid(self.process, os.WNOHANG)
            if ended:
                os.close(self.terminal)
                return os.waitstatus_to_exitcode(status)
            ready, _, _ = select.select([self.terminal], [], [], 0.05)
            if ready:
                try:
                    os.read(self.terminal, 4096)
                except OSError:
                    time.sleep(0.05)
        os.kill(self.process, signal.SIGKILL)
        raise AssertionError("the conversation does not end")


class Chat(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp()
        with open(os.path.join(cls.folder, "t.txt"), "w", encoding="utf-8") as file:
            for i in range(150):
                file.write(f"the {['cat', 'dog', 'rat'][i * 7 % 3]} sat on the {['mat', 'hill'][i * 5 % 2]}\n")
        with open(os.path.join(cls.folder, "e.yaml"), "w", encoding="utf-8") as file:
            file.write(EXPERIMENT)
        program = os.environ["RONDO_PROGRAM"]
        subprocess.run([program, "train", "e.yaml", "--quiet", "--out", "run"], cwd=cls.folder, check=True,
                       capture_output=True)
        cls.answer = subprocess.run([program, "chat", "run", "--temperature", "0"], cwd=cls.folder, check=True,
                                    input="the c\n", capture_output=True, text=True).stdout.strip()

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def test_lines_are_edited_and_found_again(self):
        talk = Terminal(self.folder, "--temperature", "0")
        talk.ask("the Q\x7fc", self.answer)  # backspace
        talk.ask("/new", "\n")
        talk.ask("\x1b[A\x1b[A", self.answer)  # two lines up
        self.assertEqual(talk.end(), 0)

    def test_mistake_does_not_end_the_conversation(self):
        talk = Terminal(self.folder, "--temperature", "0")
        talk.ask("the Q", "the model has not learned 'Q'")
        talk.ask("/temprature 3", "did you mean 'temperature'?")
        talk.ask("the c", self.answer)
        self.assertEqual(talk.end(), 0)

    def test_characters_beyond_ascii_are_read_in_any_locale(self):
        for locale in ("C.UTF-8", "C", "POSIX", "xx_XX.UTF-8"):
            talk = Terminal(self.folder, "--temperature", "0", locale=locale)
            talk.ask("th\u00e9", "the model has not learned '\u00e9', symbol 3")
            talk.ask("\u65e5 Q", "the model has not learned '\u65e5', symbol 1")
            talk.ask("the \u00e9\x7fc", self.answer)  # backspace
            talk.ask("/settings", "/top_p 1")
            talk.ask("/temperature 0.25", "\n")
            talk.ask("/settings", "/temperature 0.25")
            self.assertEqual(talk.end(), 0)

    def test_interrupt_ends_the_answer_only(self):
        talk = Terminal(self.folder, "--min-length", "9000000", "--max-length", "10000000")
        after = len(talk.text)
        talk.send("the c\r")
        while len(talk.text) < after + 2000:
            talk.wait("a", len(talk.text))
        talk.interrupt()
        talk.interrupt("half a line")
        talk.ask("/settings", "/max_length 10000000")
        self.assertEqual(talk.end(), 0)

    def test_end_of_input_ends_the_conversation(self):
        self.assertEqual(Terminal(self.folder).end("\x15\x04"), 0)  # an empty line, end of input


if __name__ == "__main__":
    unittest.main()
