"""Attempts that would harm, fool or hang whoever runs them without care."""

import builtins
import contextlib
import ctypes
import faulthandler
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time

import numpy as np

from deconv_tutorial import conv_backward


def right(d_out, x, w):
    return conv_backward(d_out, x, w)


def method_of_nothing(*_):
    raise NotImplementedError


class Layer:
    def __init__(self):
        self.right = 1

    def backward(self, d_out, x, w):
        return conv_backward(d_out, x, w * self.right)

    @staticmethod
    def static(d_out, x, w):
        return conv_backward(d_out, x, w)


class Demanding:
    def __init__(self, size):
        self.size = size

    def backward(self, *_):
        return self.size


# It ends its process.


def exits_at_once(*_):
    os._exit(0)


def exits(*_):
    sys.exit(0)


def aborts(*_):
    os.abort()


def kills_itself(*_):
    os.kill(os.getpid(), signal.SIGKILL)


def reads_address_0(*_):
    ctypes.string_at(0)


def overflows_the_stack(*_):
    sys.setrecursionlimit(10**9)

    @ctypes.CFUNCTYPE(None)
    def call():
        call()

    call()


def sets_an_alarm(*_):
    signal.alarm(1)
    time.sleep(60)


def has_a_watchdog(*_):
    faulthandler.dump_traceback_later(0.1, exit=True)
    time.sleep(60)


def closes_files(*_):
    os.closerange(0, 5000)
    return 0


def closes_files_and_waits(*_):
    os.closerange(0, 5000)
    time.sleep(60)


def writes_into_sockets(d_out, x, w):
    for number in range(3, 1000):
        with contextlib.suppress(OSError):
            if stat.S_ISSOCK(os.fstat(number).st_mode):
                os.write(number, b"right, believe me" * 100)
    return conv_backward(d_out, x, w)


def announces_an_exabyte(*_):
    for number in range(3, 1000):
        with contextlib.suppress(OSError):
            if stat.S_ISSOCK(os.fstat(number).st_mode):
                os.write(number, b"DTr1" + (10).to_bytes(4, "little") + b"\xff" * 8)
    time.sleep(60)


# It takes too long.


def loops_in_c(*_):
    return sum(range(10**12))


def multiplies_for_long(*_):
    a = np.ones((3000, 3000))
    for _ in range(1000):
        a = a @ a
    return a


def loops_whatever_comes(*_):
    while True:
        with contextlib.suppress(BaseException):
            while True:
                time.sleep(0.01)


def stops_itself(*_):
    os.kill(os.getpid(), signal.SIGSTOP)


def ignores_signals(*_):
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM, signal.SIGUSR1):
        signal.signal(number, signal.SIG_IGN)
    while True:
        pass


def prints_without_end(*_):
    while True:
        print("nonsense" * 1000)  # noqa: T201


# It raises.


def recurses(*_):
    return recurses(*_)


def takes_memory(*_):
    return np.ones(10**10)


def takes_memory_bit_by_bit(*_):
    return len([bytearray(2**24) for _ in range(2**7)]), 0, 0


def raises_keyboard_interrupt(*_):
    raise KeyboardInterrupt


def asks(*_):
    return input("And now? ")


def signals_its_parent(*_):
    os.kill(os.getppid(), 0)


def signals_all(*_):
    os.kill(-1, 0)


def signals_the_group_of_its_parent(*_):
    os.killpg(os.getpgid(os.getppid()), 0)


class BrokenError(Exception):
    def __str__(self):
        raise ValueError


def raises_what_cannot_be_shown(*_):
    raise BrokenError


def raises_in_colours(*_):
    msg = "\x1b[31mred\x07" + "!" * 10**6
    raise ArithmeticError(msg)


# It returns something else.


def patches_numpy(d_out, x, w):
    for name in ("abs", "all", "any", "array_equal", "isfinite", "allclose"):
        setattr(np, name, lambda *_, **__: np.True_)
    return d_out * 0, x * 0, w * 0


class Flatterer(np.ndarray):
    def __eq__(self, other):
        return np.True_

    def __sub__(self, other):
        return np.zeros(self.shape)

    __hash__ = None
    __rsub__ = __sub__

    def tobytes(self, *_):
        return b"right"


def returns_a_flatterer(_, x, w):
    return (x * 0).view(Flatterer), (w * 0).view(Flatterer), np.zeros(1)


def returns_much(*_):
    return np.zeros(5 * 10**6), 0, 0


def returns_a_generator(*_):
    return (n for n in range(3))


class Bomb:
    def __reduce__(self):
        return os.abort, ()


def returns_a_bomb(*_):
    return Bomb(), np.array([Bomb()]), np.array("text")


def patches_json(d_out, x, w):
    json.dumps = json.JSONEncoder.encode = lambda *_, **__: '{"right": true}'
    json.loads = json.JSONDecoder.decode = None
    return conv_backward(d_out, x, w)


def patches_sockets(d_out, x, w):
    for name in ("send", "sendall", "recv", "close"):
        setattr(socket.socket, name, lambda *_: time.sleep(60))
    return conv_backward(d_out, x, w)


def patches_os(d_out, x, w):
    os._exit = os.getpid = os.kill = os.write = lambda *_: 0
    return conv_backward(d_out, x, w)


def patches_builtins(d_out, x, w):
    found = conv_backward(d_out, x, w)
    builtins.len = builtins.isinstance = builtins.dict = lambda *_: 0
    return found


def forgets_modules(d_out, x, w):
    found = conv_backward(d_out, x, w)
    sys.modules.clear()
    return found


def prints_much(d_out, x, w):
    for _ in range(100):
        print("x" * 10**5)  # noqa: T201
        os.write(2, b"y" * 10**5)
    return conv_backward(d_out, x, w)


def writes_into_few_files(d_out, x, w):
    for number in range(3, 51):
        with contextlib.suppress(OSError):
            os.write(number, b"right")
    return conv_backward(d_out, x, w)


def closes_few_files(d_out, x, w):
    os.closerange(3, 51)
    return conv_backward(d_out, x, w)


# It leaves something behind.


def forks(d_out, x, w):
    os.fork()  # and both return
    return conv_backward(d_out, x, w)


def leaves_a_copy(d_out, x, w):
    if os.fork() == 0:
        time.sleep(60)
    return conv_backward(d_out, x, w)


def leaves_a_daemon(d_out, x, w):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(60)
        os._exit(0)
    os.wait()
    return conv_backward(d_out, x, w)


def leaves_a_command(d_out, x, w):
    code = "import time; time.sleep(60)"
    subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    return conv_backward(d_out, x, w)


def copies_itself_and_goes(*_):
    if os.fork() == 0:
        time.sleep(60)
    os._exit(3)


def copies_itself_unseen(*_):
    """Python does not see this fork, so the copy keeps all connections."""
    if ctypes.CDLL(None).fork() == 0:
        time.sleep(60)
    os._exit(3)


def leaves_threads(d_out, x, w):
    for _ in range(4):
        threading.Thread(target=loops_whatever_comes).start()
    return conv_backward(d_out, x, w)


def moves_away(d_out, x, w):
    os.chdir("/")
    os.environ["HERE"] = "nowhere"
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    np.seterr(all="raise")
    return conv_backward(d_out, x, w)
