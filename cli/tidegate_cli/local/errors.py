"""What can go wrong with the local cloud; each message says what to do about it."""


class LocalCloudError(Exception):
    """The local cloud could not do what was asked."""


class InterpreterError(LocalCloudError):
    """No usable Python was found for the emulator."""


class InstallError(LocalCloudError):
    """The emulator could not be installed."""


class StartError(LocalCloudError):
    """The emulator did not come up."""


class NotRunningError(LocalCloudError):
    """The local cloud is not running."""
