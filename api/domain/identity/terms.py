"""What institutions and firms are called in scripts that write their names without blanks.

Owns the table, Han and Hangul to English, and how a run of characters is cut by it. A translated
name then meets the English one that its publisher or another list gives.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final

_ENGLISH: Final[Mapping[str, str]] = {
    "korea": "조선 朝鲜 朝鮮",
    "democratic people republic of korea": "조선민주주의인민공화국",
    "people": "인민 人民",
    "people army": "인민군 人民军 人民軍",
    "army": "군대 军队 軍隊",
    "general corporation": "총회사 총공사",
    "corporation": "회사 공사",
    "company": "公司",
    "limited": "유한 有限 有限责任",
    "stock": "股份 주식",
    "group": "집단 그룹 集团 集團",
    "trading": "무역 贸易 貿易",
    "international": "국제 国际 國際",
    "external": "대외",
    "foreign": "外",
    "construction": "건설 建设 建設",
    "production": "생산 生产 生產",
    "corps": "兵团 兵團",
    "public security": "公安",
    "security": "안전 보안 安全",
    "ministry": "성",
    "bureau": "국 局",
    "department": "부 部 厅 廳",
    "committee": "위원회 委员会 委員會",
    "commission": "国家委员会",
    "bank": "은행 银行 銀行",
    "finance": "금융 재정 金融",
    "insurance": "보험 保险 保險",
    "industry": "공업 산업 工业 工業 产业",
    "rocket": "로케트",
    "nuclear": "원자력 핵 核",
    "energy": "에네르기 에너지 能源",
    "research institute": "연구소 研究所 研究院",
    "research": "연구 研究",
    "science": "과학 科学 科學",
    "technology": "기술 技术 技術 科技",
    "academy": "과학원 科学院 學院 学院",
    "university": "대학 大学 大學",
    "electronics": "전자 电子 電子",
    "machine": "기계 机械 機械",
    "equipment": "장비 设备 設備 装备",
    "shipping": "해운 航运 航運 海运 海運",
    "maritime": "해사",
    "ship": "선박 船舶",
    "aviation": "항공 航空",
    "space": "우주 航天",
    "exhibition": "전람",
    "mining": "광업 矿业 礦業",
    "coal": "석탄 煤炭",
    "steel": "제강 钢铁 鋼鐵",
    "metal": "금속 金属 金屬",
    "oil": "석유 石油",
    "chemical": "화학 化工 化学 化學",
    "development": "개발 发展 發展",
    "investment": "투자 投资 投資",
    "culture": "문화 文化",
    "labour": "로동 노동",
    "party": "당",
    "central": "중앙 中央",
    "national": "국가 国家 國家",
    "defense": "국방 国防 國防",
    "military": "군사 军事 軍事",
    "police": "경찰 警察",
    "prison": "감옥 监狱 監獄",
    "prosecutors office": "검찰소",
    "court": "재판소 法院",
    "industrial": "实业 實業",
    "import export": "进出口 進出口",
    "china": "中国 中國",
    "xinjiang": "新疆",
    "beijing": "北京",
    "shanghai": "上海",
    "hong kong": "香港",
    "pyongyang": "평양",
}
_TERMS: Final = {term: said for said, terms in _ENGLISH.items() for term in terms.split()}
# One character alone may be a syllable of a name; at the end of a name it says what is named.
_INSIDE: Final = re.compile(
    "|".join(sorted((one for one in _TERMS if len(one) > 1), key=len, reverse=True))
)
_LAST: Final = frozenset(one for one in _TERMS if len(one) == 1)


def told(run: str, read: Callable[[str], str]) -> str | None:
    """Return an institution's name with its terms in English, ``None`` if it has none of them.

    Args:
        run: characters of one script, without blanks.
        read: reads the rest aloud.
    """
    if not _INSIDE.search(run):
        return None
    end = _TERMS[run[-1]] if run[-1] in _LAST else ""
    rest = run[:-1] if end else run
    parts = []
    at = 0
    for found in _INSIDE.finditer(rest):
        parts += [read(rest[at : found.start()]), _TERMS[found[0]]]
        at = found.end()
    return " ".join(part for part in (*parts, read(rest[at:]), end) if part)
