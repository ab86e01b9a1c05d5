"""What lay in the mailbox of the demo's custom channel when it was last looked at. Data only."""

from __future__ import annotations

from deskpost.demo.letters import By, Letter

TERMINAL = Letter(
    sender="mei",
    subject="Crane terminal shows yesterday’s berths",
    body="Good morning,\n\nthe terminal in cabin 2 still shows the berths of yesterday. A restart "
    "did not help.\n\n-- \nMei Tan, Crane 2\n",
)
CUSTOMS = Letter(
    sender="jonas",
    subject="Passwort für das Zollportal abgelaufen",
    body="Hallo,\n\nmein Zugang zum Zollportal ist heute Nacht abgelaufen. Ich brauche ihn vor "
    "der\nFähre um 14 Uhr.\n\nJonas Falk\n",
    charset="iso-8859-1",
)
ARRIVALS = Letter(
    sender="haru",
    subject="入港予定表が開きません",
    body="お疲れさまです。高橋です。\n\n今朝から入港予定表のファイルが開きません。\n"
    "添付は昨日の印刷のスキャンです。\n\n高橋\n",
    charset="utf-8",
    files=("scan.pdf",),
)
TIDES = Letter(
    sender="ruth",
    subject="Tide tables for December",
    body="The pilots would like them on their tablets again. Is that possible by Friday?\n\nRuth\n",
)
MORE = Letter(
    sender="mei",
    subject="Re: Crane terminal shows yesterday’s berths",
    body="Cabin 3 has it too, since the break.\n\nMei\n",
    answers=TERMINAL,
    by=By.ORIGINAL,
)
OFFICE = Letter(
    sender="ruth",
    subject="Automatic reply: at sea",
    body="I am on the boat until six.\n",
    headers={"Auto-Submitted": "auto-replied"},
)
OFFERS = Letter(
    sender="shop",
    subject="Ropes and fenders, half price",
    body="Only until Sunday.\n",
    headers={"List-Unsubscribe": "<https://parcelnews.example/u/4712>"},
)

# What had waited through the night, and what came today: in the order of their numbers there.
WAITED = (TIDES, OFFERS)
TODAY = (TERMINAL, CUSTOMS, ARRIVALS, MORE, OFFICE)
# One that the mailbox's server names, but never gives.
NEVER_GIVEN = "NO [SERVERBUG] Internal error occurred. Refer to server log for more information."
