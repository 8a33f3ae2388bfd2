"""Virtual environments from a lock file: made once, renewed when what they were made from changes.

    python3 tools/venv.py .venv requirements/dev.txt --editable

A stamp in the environment is a hash of the lock file, the Python, the place and, where the project itself goes in,
what `pyproject.toml` says of installing it.  While it agrees nothing is done.  The file keeps to a syntax that old
Pythons read, so that they can be refused by name.
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
    """Return what `pyproject.toml` says of installing the project: all else may change without a new environment."""
    import tomllib  # old Pythons, which lack it, are refused before

    with open(os.path.join(ROOT, "pyproject.toml"), "rb") as file:
        project = tomllib.load(file)
    return project["build-system"], project["project"], project["tool"]["hatch"]


def found(stamp):
    """Return the stamp at `stamp`, or an empty one when the environment was never finished."""
    try:
        with open(stamp) as file:
            return file.read()
    except FileNotFoundError:
        return ""


def make(place, lock, editable):
    """Make the environment at `place` anew, with what `lock` pins and, if `editable`, the project itself."""
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
    """Install what `lock` pins, and count its packages where somebody watches."""
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
    """Run `command`; end with its exit code when it fails."""
    code = subprocess.run(command, stdin=subprocess.DEVNULL).returncode
    if code:
        sys.exit(code)


def main(place, lock, *flags):
    """Make the environment at `place` unless it is there already."""
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
