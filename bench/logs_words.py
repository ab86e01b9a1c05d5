"""Texts for a large log: subjects of real words with the frequencies of a language (Zipf's law),
and the names and addresses of those who write."""

from __future__ import annotations

import os
import random
import re
from collections import Counter
from pathlib import Path

WORDS = 20_000
ADDRESSES = 200_000
JAPANESE = 0.15  # of the subjects
_HEAVY = 10  # the larger, the less the first words stand out: the first is in 6 % of the subjects

# What people write to a desk about; these come first, so that the common words are such.
_DESK = """
the to for not in and on of is with please my help new request error account password
printer access cannot order invoice email urgent update problem login server reset question
issue laptop network working from meeting office user delivery report file payment change
install screen connection support system missing need license phone expired monitor backup
contract address customer software failed slow vpn shared folder calendar keyboard wifi
broken training badge refund shipment quote renewal urgent outage scanner toner permission
"""
_JAPANESE = """
印刷 請求 接続 設定 注文 確認 変更 更新 登録 送信 受信 契約 見積 納品 支払 返金 発行 申請 承認
予約 会議 出張 経費 精算 勤怠 給与 社員 顧客 資料 書類 帳票 端末 画面 電源 故障 修理 交換 移行
復旧 障害 停止 再起動 共有 権限 認証 署名 証明書 暗号 容量 圧縮 添付 転送 配信 停電 回線 電話
内線 座席 備品 購入 在庫 出荷 配送 返品 検収 監査 教育 研修 採用 退職 異動 住所 氏名 旧姓 番号
期限 延長 解約 休日 祝日 夜間 緊急 至急 重要 定期 点検 工事 騒音 空調 照明 清掃 鍵 入館 駐車
パスワード プリンター サーバー メール アカウント ログイン ネットワーク ソフトウェア ライセンス
カレンダー フォルダー ファイル バックアップ モニター キーボード スキャナー アプリ ブラウザー
"""
_ENDS = (
    "ができません",
    "のお願い",
    "について",
    "の依頼",
    "の件",
    "に失敗しました",
    "の確認",
    "を教えてください",
    "のエラー",
    "のご連絡",
)
_GIVEN = """
ann ben carla david emma frank grace henry irene jack kate liam maria noah olga peter quinn
rosa sam tina ursula victor wendy xaver yuki zoe haruto sakura ren aoi hana kenji mei taro
"""
_FAMILY = """
smith jones brown taylor wilson evans khan patel garcia miller davis lopez weber fischer
becker rossi bianchi novak horvat nowak kowalski ivanova petrov jensen hansen larsen silva
santos dubois moreau tanaka suzuki sato takahashi watanabe yamamoto nakamura kobayashi
"""
_KANJI = {
    "tanaka": "田中",
    "suzuki": "鈴木",
    "sato": "佐藤",
    "takahashi": "高橋",
    "watanabe": "渡辺",
    "yamamoto": "山本",
    "nakamura": "中村",
    "kobayashi": "小林",
}


JAPANESE_WORDS, GIVEN, FAMILY = _JAPANESE.split(), _GIVEN.split(), _FAMILY.split()


def english() -> list[str]:
    """Return words, the most common first: those of a desk, then what Python's own library is
    written with, which is on every machine."""
    library = Path(os.__file__).parent
    counted: Counter[str] = Counter()
    for path in sorted(library.rglob("*.py")):
        inside = path.relative_to(library).parts
        if not {"site-packages", "test", "tests", "idle_test"} & set(inside):
            text = path.read_text("utf-8", "replace")
            counted.update(word.lower() for word in re.findall(r"[A-Za-z][a-z]{2,13}", text))
    words = dict.fromkeys(_DESK.split())
    words |= dict.fromkeys(word for word, _ in sorted(counted.items(), key=lambda w: (-w[1], w)))
    return list(words)[:WORDS]


def rank(random_: random.Random, size: int, heavy: int) -> int:
    """Return a number below size, the small ones more often (Zipf's law, with Mandelbrot's
    shift)."""
    return min(int(heavy * ((size + heavy) / heavy) ** random_.random()) - heavy, size - 1)


class Subjects:
    """Makes subjects. The same words come up again and again, as in any language."""

    def __init__(self) -> None:
        self.words = english()

    def make(self, random_: random.Random) -> str:
        if random_.random() < JAPANESE:
            size = len(JAPANESE_WORDS)
            nouns = [JAPANESE_WORDS[rank(random_, size, 20)] for _ in range(random_.randint(1, 3))]
            return "".join(nouns) + random_.choice(_ENDS)
        size = len(self.words)
        some = [self.words[rank(random_, size, _HEAVY)] for _ in range(random_.randint(3, 8))]
        if random_.random() < 0.2:
            some.append(str(random_.randint(100, 99_999)))  # of an order, an invoice
        return " ".join(some).capitalize()


def sender(number: int) -> tuple[str, str]:
    """Return the address and the name of the one with this number, below ADDRESSES."""
    given = GIVEN[number % len(GIVEN)]
    family = FAMILY[number // len(GIVEN) % len(FAMILY)]
    # Few domains have many of them: the number's root is their rank.
    domain = f"company{int((number * 7919 % ADDRESSES) ** 0.6)}.test"
    name = f"{given} {family}".title()
    if family in _KANJI and number % 3:
        name = f"{_KANJI[family]} {given.title()}"
    return f"{given}.{family}.{number}@{domain}", name
