"""Brings an offline run to the server. Order: {"archive": path}."""

from clearml import Task
from sdk_program import answer, order

answer({"task": Task.import_offline_session(order()["archive"])})
