"""Virtual environments from a lock file: made once, and made again when their sources change.

    python3 tools/venv.py .venv requirements/dev.txt --editable

The environment holds a stamp: a hash of the lock file, the Python, the folder and, if the project itself is installed,
the parts of `pyproject.toml` that matter for that.  If the stamp is right, nothing is done.  The syntax of this file is
one that old Pythons can read, so that they get a clear message.
"""

import hashlib
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
OLDEST = (3, 11)


def wanted(place, lock, editable):
    """Return the stamp that the environment at `place` must carry."""
    with open(os.path.join(ROOT, lock), "rb") as file:
        digest = hashlib.sha256(file.read())
    digest.update(repr((sys.version, os.path.realpath(sys.executable), place, editable and installing())).encode())
    return digest.hexdigest()


def installing():
    """Return the parts of `pyproject.toml` that matter for installing the project."""
    import tomllib  # old Pythons, which lack it, have been refused before

    with open(os.path.join(ROOT, "pyproject.toml"), "rb") as file:
        project = tomllib.load(file)
    return project["build-system"], project["project"], project["tool"]["hatch"]


def found(stamp):
    """Return the stamp in the file `stamp`; empty if the environment was never finished."""
    try:
        with open(stamp) as file:
            return file.read()
    except FileNotFoundError:
        return ""


def make(place, lock, editable):
    """Make the environment at `place` again, with the packages in `lock` and, if `editable`, the project itself."""
    shutil.rmtree(place, ignore_errors=True)
    done = subprocess.run([sys.executable, "-m", "venv", place], capture_output=True, text=True)
    if done.returncode:
        sys.stderr.write(done.stdout + done.stderr)
        sys.exit("setup: %s: cannot make an environment (on Debian or Ubuntu: apt-get install python3-venv)" % place)
    pip = [os.path.join(place, "bin", "python"), "-m", "pip", "--disable-pip-version-check", "--no-input", "install"]
    install([*pip, "--require-hashes", "-r", os.path.join(ROOT, lock)], lock)
    if editable:
        run([*pip, "--quiet", "--no-deps", "--no-build-isolation", "--editable", ROOT])


def install(command, lock):
    """Install the packages in `lock`; count them if the output is a terminal."""
    with open(os.path.join(ROOT, lock)) as file:
        total = sum("==" in line for line in file)
    pip = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True
    )
    count, said = 0, []
    for line in pip.stdout:
        said.append(line)
        count += line.startswith("Collecting ")
        if sys.stderr.isatty():
            sys.stderr.write("\rsetup: %d of %d packages " % (min(count, total), total))
    if sys.stderr.isatty():
        sys.stderr.write("\r\033[K")
    if pip.wait():
        sys.stderr.write("".join(said))
        sys.exit(pip.returncode)


def run(command):
    """Run `command`; exit with its code if it fails."""
    code = subprocess.run(command, stdin=subprocess.DEVNULL).returncode
    if code:
        sys.exit(code)


def main(place, lock, *flags):
    """Make the environment at `place` unless it is up to date."""
    if sys.version_info < OLDEST:
        here, least = "%d.%d" % sys.version_info[:2], "%d.%d" % OLDEST
        sys.exit("setup: python %s is too old (needs %s or newer: make PYTHON=python%s)" % (here, least, least))
    place, editable = os.path.abspath(place), "--editable" in flags
    stamp, expected = os.path.join(place, "stamp"), wanted(place, lock, editable)
    if found(stamp) == expected:
        return
    sys.stderr.write("setup: %s from %s\n" % (os.path.relpath(place), lock))
    make(place, lock, editable)
    with open(stamp, "w") as file:
        file.write(expected)


if __name__ == "__main__":
    main(*sys.argv[1:])
