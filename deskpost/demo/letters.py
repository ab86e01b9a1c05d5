"""What the people of the demo write, and what their mail servers answer. Data only.

In a body `{quote}` stands for the quoted notification that the letter answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

IT, FACILITIES = "IT", "facilities"

PEOPLE: Mapping[str, str] = {
    "ann": "Ann Osei <ann.osei@quayside.example>",
    "bob": "Bob Keller <bob.keller@north-mill.example>",
    "priya": "Priya Nair <priya.n@lindenhof.example>",
    "noor": "Noor Haddad <noor@tidewater.example>",
    "tanaka": "田中 宏 <h.tanaka@asahi-boeki.example>",
    "sato": "佐藤 恵 <m.sato@asahi-boeki.example>",
    "lena": "Lena Voß <lena.voss@lindenhof.example>",
    "greta": "Greta Brandt <g.brandt@sperrwerk.example>",
    "claire": "Claire Lefèvre <claire@atelier-rive.example>",
    "omar": "Omar Said <omar.said@harbour.example>",
    "yuki": "Yuki Mori <yuki@old-gateway.example>",
    "sven": "Sven Dahl <sven@small-box.example>",
    "marta": "Marta Ruiz <marta.ruiz@quayside.example>",
    "ivan": "Ivan Petrov <ivan@freepost.example>",
    "eva": "Eva Lindqvist <eva@north-mill.example>",
    "lee": "Lee Park <lee.park@harbour.example>",
    "stranger": "Tidewater Operations <ops@tidewater.example>",
    "monitor": "Rack Monitor <alarms@monitor.tidewater.example>",
    "shop": "Parcel News <noreply@parcelnews.example>",
    "list": "Warehouse Forum <forum@lists.north-mill.example>",
    "scanner": "scanner-3@lindenhof.example",
    "mei": "Mei Tan <mei.tan@harbour.example>",
    "jonas": "Jonas Falk <jonas.falk@harbour.example>",
    "haru": "高橋 春 <h.takahashi@harbour.example>",
    "ruth": "Ruth Amadi <ruth@pilot-boats.example>",
}

# What a recipient's server says to RCPT TO. Everyone else's takes what comes.
SERVERS_SAY: Mapping[str, str] = {
    "bob": "550 5.1.1 <bob.keller@north-mill.example>: Recipient address rejected: User unknown",
    "greta": "550 5.7.1 Message refused by our content policy, reference 7F3A",
    "omar": "552 5.2.2 The mailbox of omar.said@harbour.example is full",
    "yuki": "554 Transaction failed (0x800C0131)",
    "sven": "552 5.3.4 Message size exceeds the fixed limit of this mailbox",
    "lee": "451 4.7.1 Greylisted, please try again in 300 seconds",
}


class By(StrEnum):
    """What in a letter says which request it answers."""

    TOKEN = "token"  # noqa: S105 (the Reply-To address of the receipt)
    RECEIPT = "receipt"  # In-Reply-To is the receipt's Message-ID
    ORIGINAL = "original"  # In-Reply-To is the Message-ID of the letter that opened the request
    KEY = "key"  # only the subject does


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One message. `sender`, `cc` and `files` are names of PEOPLE and files.FILES."""

    sender: str
    subject: str = ""  # empty: "Re: " and the subject of what it answers
    body: str
    html: str = ""
    charset: str = "utf-8"
    cc: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    to: str = IT
    has_from: bool = True
    # The letter that opened the request which this one answers, and how it does.
    answers: Letter | None = None
    by: By | None = None


# --- Opening requests --------------------------------------------------------------------------

STARTER = Letter(
    sender="ann",
    subject="New starter on Monday",
    body="Good morning,\n\nTess Adeyemi joins us on Monday. She needs a laptop, a badge and access "
    "to the\nshared calendar.\n\nThank you!\n\n-- \nAnn Osei\nPeople and Places, Quayside\n",
)
LABELS = Letter(
    sender="bob",
    subject="Label printer drops every third job",
    body="Since the move to dock 3 the printer by the scales swallows every third label.\n\n"
    "It matters before Friday’s shipment. The photo shows the display.\n\n"
    "-- \nBob Keller, Dispatch, North Mill\n",
    files=("display.png",),
)
STOCK = Letter(
    sender="noor",
    subject="Stock export is cut off after row 9",
    body="Hi,\n\nthe nightly export ends in the middle of a line. The file of last night is "
    "attached,\nPriya has the older ones.\n\nNoor\n",
    cc=("priya",),
    files=("stock-export.csv", "server-rack.png"),
)
TONER = Letter(
    sender="tanaka",
    subject="プリンターのトナーについて",
    body="お世話になっております。朝日貿易の田中です。\n\n"
    "三階のプリンターで、三枚目のラベルだけ印刷されません。\n"
    "トナーは昨日交換しました。ご確認をお願いいたします。\n\n"
    "-- \n朝日貿易株式会社 総務部\n田中 宏\n",
    charset="iso-2022-jp",
)
QUOTE = Letter(
    sender="sato",
    subject="見積書の承認をお願いします",
    body="IT ヘルプ御中\n\nノート PC 3 台分の見積書を添付します。\n"
    "金曜日までに承認をお願いします。\n\n佐藤",
    html="<p>IT ヘルプ御中</p><p>ノート PC <b>3 台分</b>の見積書を添付します。"
    "<br>金曜日までに承認をお願いします。</p><p>佐藤</p>",
    files=("見積書.pdf",),
)
SCREEN = Letter(
    sender="lena",
    subject="Bildschirm flackert nach dem Update",
    body="Guten Tag,\n\nseit dem gestrigen Update flackert mein zweiter Bildschirm, sobald ich "
    "das\nFenster verschiebe. Ein anderes Kabel habe ich schon geprüft.\n\n"
    "Viele Grüße\nLena Voß\n",
    charset="iso-8859-1",
)
VPN = Letter(
    sender="claire",
    subject="Accès au VPN impossible depuis l’hôtel",
    body="",
    html="<p>Bonjour,</p><p>Depuis l’hôtel, la connexion au VPN s’arrête à <em>« vérification "
    "du certificat »</em>.</p><ul><li>Le Wi-Fi fonctionne.</li><li>Mon mot de passe est "
    'correct.</li></ul><p>Merci d’avance,<br>Claire</p><img src="https://track.example/p.gif">',
)
SIGN_IN = Letter(
    sender="greta",
    subject="Anmeldung am Lagerterminal",
    body="Hallo,\n\ndas Terminal im Lager nimmt meine Karte nicht mehr an.\n\nGreta Brandt\n",
)
PHONE = Letter(
    sender="omar",
    subject="Desk phone shows the wrong name",
    body="My phone still says “Reception”. Could it say “Omar Said”, please?\n",
)
GATEWAY = Letter(
    sender="yuki",
    subject="Cannot open the payroll page",
    body="It says “403” since this morning. I have not changed anything.\n",
)
SCANS = Letter(
    sender="sven",
    subject="Scans arrive without pages",
    body="Every scan from the second floor has a first page and nothing after it.\n\nSven\n",
    files=("scan.pdf",),
)
BADGE = Letter(
    sender="marta",
    subject="Badge does not open the side door",
    body="Mine worked until Friday. The light goes red.\n\nMarta\n",
)
CALENDAR = Letter(
    sender="ivan",
    subject="Shared calendar is empty",
    body="I was added to the team last week and see no entries.\n\nIvan\n",
)
DOCK = Letter(
    sender="eva",
    subject="Docking station gets very hot",
    body="I can hardly touch it after an hour. Is that safe?\n\nEva Lindqvist\n",
)
COLD = Letter(
    sender="claire",
    to=FACILITIES,
    subject="Meeting room 4 is too cold",
    body="16 degrees this morning, and the thermostat does nothing.\n\nClaire\n",
)
LIGHT = Letter(
    sender="lena",
    to=FACILITIES,
    subject="Licht im Treppenhaus",
    body="Im zweiten Stock ist das Licht ausgefallen. Es ist dort abends sehr dunkel.\n",
    charset="iso-8859-1",
)
OPENINGS = (
    *(LABELS, STOCK, TONER, QUOTE, SCREEN, VPN, SIGN_IN, PHONE),
    *(GATEWAY, SCANS, BADGE, CALENDAR, DOCK, COLD, LIGHT),
)

# --- A system that writes too often ------------------------------------------------------------

_ALARMS = (
    "Disk /var on db-2 is 81 % full",
    "Disk /var on db-2 is 84 % full",
    "Fan 3 of rack B turns slowly",
    "Temperature of rack B: 31 °C",
    "Temperature of rack B: 34 °C",
    "UPS 1 runs on battery",
    "UPS 1 is back on mains",
    "Link of switch 7, port 12, is down",
    "Link of switch 7, port 12, is up",
    "Disk /var on db-2 is 88 % full",
    "Backup of files-1 took 9 hours",
    "Link of switch 7, port 12, is down again",
)
ALARMS = tuple(
    Letter(sender="monitor", subject=f"[alarm] {text}", body=f"{text}.\nSeverity: warning\n")
    for text in _ALARMS
)

# --- What becomes no request -------------------------------------------------------------------

NEWSLETTER = Letter(
    sender="shop",
    subject="November offers for your warehouse",
    body="Everything must go.\n",
    html="<h1>Everything must go</h1><p>Tape, labels, boxes.</p>",
    headers={"List-Unsubscribe": "<https://parcelnews.example/u/4711>"},
)
FORUM = Letter(
    sender="list",
    subject="[forum] Which label printer do you use?",
    body="We are looking for a new one.\n",
    headers={"Precedence": "list", "List-Id": "<forum.lists.north-mill.example>"},
)
ABSENT = Letter(
    sender="sato",
    subject="自動返信: 不在のお知らせ",
    body="ただいま休暇をいただいております。月曜日に戻ります。\n",
    charset="iso-2022-jp",
    headers={"X-Autoreply": "yes", "Auto-Submitted": "auto-replied (vacation)"},
)
NAMELESS = Letter(
    sender="scanner",
    subject="Scan of 24 November",
    body="See the attached scan.\n",
    files=("scan.pdf",),
    has_from=False,
)
FILM = Letter(sender="ann", subject="The film of the office party", body="(too large)\n")
NOISE = (NEWSLETTER, FORUM, ABSENT, NAMELESS)

# --- Answers -----------------------------------------------------------------------------------

REPLIES = (
    Letter(
        sender="tanaka",
        answers=TONER,
        by=By.TOKEN,
        body="田中です。\n\n二階のプリンターでも同じでした。\n\n{quote}",
        charset="iso-2022-jp",
    ),
    Letter(
        sender="lena",
        answers=SCREEN,
        by=By.RECEIPT,
        body="Nachtrag: Mit 60 Hz ist das Flackern weg.\n\nLena\n\n{quote}",
        charset="iso-8859-1",
        files=("display.png",),
    ),
    Letter(
        sender="noor",
        answers=STOCK,
        by=By.ORIGINAL,
        subject="One more thing about the export",
        body="It is always row 9, whatever the size of the file.\n\nNoor\n",
    ),
    Letter(
        sender="priya",
        answers=STOCK,
        by=By.KEY,
        body="The export of last Tuesday was whole. I can send it.\n\nPriya\n",
    ),
    Letter(
        sender="stranger",
        answers=STOCK,
        by=By.KEY,
        body="May we join in? We see the same with our export.\n",
    ),
    Letter(
        sender="claire",
        answers=COLD,
        by=By.TOKEN,
        to=FACILITIES,
        body="It is warmer now, thank you.\n\n{quote}",
    ),
    Letter(
        sender="claire",
        answers=VPN,
        by=By.RECEIPT,
        subject="Réponse automatique : absente du bureau",
        body="Je suis absente jusqu’à lundi.\n",
        headers={"Auto-Submitted": "auto-replied"},
    ),
)
# Those of whom nobody can be told any more.
AGAIN = (
    Letter(
        sender="bob",
        subject="Did anyone see my email about the label printer?",
        body="I have had no answer so far.\n\n-- \nBob Keller, Dispatch, North Mill\n",
    ),
    Letter(
        sender="eva",
        subject="A second screen for my desk",
        body="Could I have one of the 24-inch ones?\n\nEva\n",
    ),
    Letter(
        sender="marta",
        subject="Side door, again",
        body="Still red. Is anyone looking at it?\n\nMarta\n",
    ),
)
THANKS = Letter(
    sender="ann",
    answers=STARTER,
    by=By.TOKEN,
    body="Wonderful, thank you. Tess’s start is at nine.\n\n-- \nAnn Osei\n\n{quote}",
)
LAST = (
    Letter(
        sender="lee",
        subject="Wi-Fi drops in the canteen",
        body="Every few minutes, on my phone and on my laptop.\n\nLee Park\n",
        cc=("ann",),
    ),
    Letter(
        sender="lee",
        subject="Spare charger",
        body="I left mine on the train. Is there one that I could borrow?\n\nLee Park\n",
    ),
)

# --- What agents do ----------------------------------------------------------------------------

# Which request is answered, and how.
AGENT_SAYS: tuple[tuple[Letter, str], ...] = (
    (STARTER, "The laptop is ready, and the badge lies at the reception. When does Tess begin?"),
    (STOCK, "Thank you. Row 9 has a quotation mark too many; we are mending the export."),
    (TONER, "ご連絡ありがとうございます。\n本日 15 時にプリンターを確認いたします。"),
    (SCREEN, "Danke für den Hinweis mit 60 Hz. Der neue Treiber kommt heute Abend."),
    (BADGE, "The reader of the side door was replaced. Please try again."),
    (COLD, "Someone will look at the thermostat this afternoon."),
)
RESOLVED = STARTER
# What is sent while no place of the day's limit is left, and what a template makes too large.
UNTOLD, TOO_LATE = QUOTE, "承認いたしました。本日発注いたします。"
OPENED_AGAIN = SCREEN
KEEPS_PRIVATE = "priya"

# Address and name; the second is malformed on purpose.
INVITED: tuple[tuple[str, str], ...] = (
    ("cy.young@quayside.example", "Cy Young"),
    ("dana,ruiz@quayside.example", "Dana Ruiz"),
    ("k.suzuki@asahi-boeki.example", "鈴木 健"),
    ("bob.keller@north-mill.example", "Bob Keller"),
)
INVITED_TO_LAB = ("ivo.marek@tidewater.example", "Ivo Marek")
