"""The sample tables that nobody's data went into: people, shops, sessions and accounts here are invented.

Only `Random.random()` is drawn from: its sequence for a seed is the same in every Python version.
"""

import hashlib
import random
import string
from datetime import datetime, timedelta, timezone
from decimal import Decimal

from ddbjson import request

NEW_YEAR = datetime(2026, 1, 1, tzinfo=timezone.utc)

FIRST_NAMES = (
    "Amara Bjorn Chidi Dolores Emre Freya Giulia Hana Ivo Jasmin Kofi Léa Mateo Noor Oskar Priya "
    "Quentin Rosa Søren Tomoko"
).split()
LAST_NAMES = (
    "Almeida Brandt Castillo Dubois Eriksen Fontaine Grabowski Haddad Ito Jansen Kowalski Lindqvist "
    "Moreau Novák Okafor Petrov Quispe Rossi Şahin Tanaka"
).split()
CITIES = [
    ("Lisbon", "PT", "1100-148"),
    ("Leeds", "GB", "LS1 4DY"),
    ("Austin", "US", "78701"),
    ("Zürich", "CH", "8001"),
    ("Kraków", "PL", "31-042"),
    ("Toronto", "CA", "M5H 2N2"),
    ("Osaka", "JP", "530-0001"),
    ("Nairobi", "KE", "00100"),
]


class Draw(random.Random):
    """Choices made of `random()` alone."""

    def number(self, low, high):
        """An integer, both ends included."""
        return low + int(self.random() * (high - low + 1))

    def pick(self, choices):
        return choices[self.number(0, len(choices) - 1)]

    def some(self, choices, low, high):
        """Between `low` and `high` different members."""
        left = list(choices)
        return [left.pop(self.number(0, len(left) - 1)) for _ in range(self.number(low, high))]

    def chance(self, probability):
        return self.random() < probability

    def digits(self, count):
        """A decimal of exactly `count` digits, which begins and ends with another digit than 0."""
        inner = "".join(string.digits[self.number(0, 9)] for _ in range(count - 2))
        return f"{self.number(1, 9)}{inner}{self.number(1, 9)}"

    def money(self, low, high):
        return Decimal(self.number(low * 100, high * 100)) / 100

    def bytes_of(self, count):
        return bytes(self.number(0, 255) for _ in range(count))

    def uuid(self):
        h = hashlib.sha256(repr(self.random()).encode()).hexdigest()
        return f"{h[:8]}-{h[8:12]}-4{h[12:15]}-a{h[15:18]}-{h[18:30]}"

    def moment(self):
        return NEW_YEAR + timedelta(seconds=self.number(0, 300 * 86_400))


def iso(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def epoch(moment):
    return int(moment.timestamp())


def tables():
    """(CreateTable request, items) of each."""
    return [online_shop(), product_catalog(), web_sessions(), treasury_ledger(), dead_letters()]


def online_shop():
    """Single-table design: eight entity types under PK/SK, a sparse index under GSI1PK/GSI1SK."""
    draw = Draw(1)
    items = []
    products = [
        (f"SKU-{1000 + n}", f"{adjective} {noun}", draw.money(4, 250))
        for n, (adjective, noun) in enumerate(
            (a, b)
            for a in ("Oak", "Linen", "Steel", "Cork", "Copper", "Wool")
            for b in ("lamp", "chair", "blanket", "kettle", "shelf", "mirror", "vase", "rug")
        )
    ]
    for sku, title, price in products:
        items.append(
            {
                "PK": f"PRODUCT#{sku}",
                "SK": "META",
                "entityType": "Product",
                "sku": sku,
                "title": title,
                "priceByCurrency": {"EUR": price, "GBP": (price * Decimal("0.86")).quantize(Decimal("0.01"))},
                "categories": set(draw.some(["home", "kitchen", "living-room", "gift", "sale", "new"], 1, 3)),
                "active": draw.chance(0.9),
                "createdAt": iso(NEW_YEAR - timedelta(days=draw.number(1, 900))),
            }
        )
    for n in range(140):
        customer = f"C{100000 + n * 37}"
        first, last = draw.pick(FIRST_NAMES), draw.pick(LAST_NAMES)
        profile = {
            "PK": f"CUSTOMER#{customer}",
            "SK": "PROFILE",
            "entityType": "Customer",
            "customerId": customer,
            "GSI1PK": "CUSTOMERS",
            "GSI1SK": f"{last.upper()}#{customer}",
            "name": f"{first} {last}",
            "email": f"{customer.lower()}@example.com",
            "marketingOptIn": draw.chance(0.4),
            "loyaltyPoints": draw.number(0, 12_000),
            "createdAt": iso(NEW_YEAR - timedelta(days=draw.number(1, 700))),
            "addresses": {label: address(draw) for label in draw.some(["home", "work", "parents"], 1, 2)},
        }
        if draw.chance(0.3):
            profile["phone"] = None
        items.append(profile)
        for _ in range(draw.number(0, 4)):
            items += order(draw, customer, products)
        if draw.chance(0.25):
            items.append(
                {
                    "PK": f"CUSTOMER#{customer}",
                    "SK": "CART",
                    "entityType": "Cart",
                    "customerId": customer,
                    "lines": [{"sku": sku, "quantity": draw.number(1, 3)} for sku, _, _ in draw.some(products, 1, 4)],
                    "expiresAt": epoch(draw.moment() + timedelta(days=14)),
                }
            )
    for sku, _, _ in products:
        for _ in range(draw.number(0, 4)):
            customer = f"C{100000 + draw.number(0, 139) * 37}"
            items.append(
                {
                    "PK": f"PRODUCT#{sku}",
                    "SK": f"REVIEW#{customer}#{len(items)}",
                    "entityType": "Review",
                    "sku": sku,
                    "GSI1PK": f"CUSTOMER#{customer}",
                    "GSI1SK": f"REVIEW#{sku}",
                    "rating": draw.number(1, 5),
                    "body": draw.pick(
                        [
                            "Just as described.",
                            "Arrived with a scratch.",
                            "Würde ich wieder kaufen.",
                            "とても良いです。",
                            "",
                        ]
                    ),
                    "helpfulVotes": draw.number(0, 40),
                    "createdAt": iso(draw.moment()),
                }
            )
    keys = ("PK", "S"), ("SK", "S")
    return request("OnlineShop", *keys, indexes=[("GSI1", (("GSI1PK", "S"), ("GSI1SK", "S")))]), items


def order(draw, customer, products):
    """An order with its items, payment and, mostly, shipment."""
    placed, order_id = draw.moment(), f"O-{draw.number(10**9, 10**10 - 1)}"
    lines = [(product, draw.number(1, 3)) for product in draw.some(products, 1, 4)]
    total = sum(price * quantity for (_, _, price), quantity in lines)
    at_order = {"PK": f"ORDER#{order_id}", "orderId": order_id}
    made = [
        {
            "PK": f"CUSTOMER#{customer}",
            "SK": f"ORDER#{iso(placed)}#{order_id}",
            "GSI1PK": f"ORDER#{order_id}",
            "GSI1SK": "ORDER",
            "entityType": "Order",
            "orderId": order_id,
            "customerId": customer,
            "status": draw.pick(["PLACED", "PAID", "SHIPPED", "DELIVERED", "RETURNED"]),
            "placedAt": iso(placed),
            "currency": draw.pick(["EUR", "GBP"]),
            "total": total,
            "itemCount": len(lines),
            "shippingAddress": address(draw),
        }
    ]
    for n, ((sku, title, price), quantity) in enumerate(lines, 1):
        made.append(
            {
                **at_order,
                "SK": f"ITEM#{n:03}",
                "entityType": "OrderItem",
                "sku": sku,
                "title": title,
                "quantity": quantity,
                "unitPrice": price,
                "giftWrap": {"message": "Happy birthday!"} if draw.chance(0.1) else None,
            }
        )
    made.append(
        {
            **at_order,
            "SK": "PAYMENT#1",
            "entityType": "Payment",
            "provider": draw.pick(["card", "invoice", "wallet"]),
            "amount": total,
            "riskScore": Decimal(draw.number(0, 9999)) / 10_000,
            "authorisedAt": iso(placed + timedelta(seconds=draw.number(1, 90))),
        }
    )
    if draw.chance(0.8):
        shipped = placed + timedelta(hours=draw.number(4, 60))
        made.append(
            {
                **at_order,
                "SK": "SHIPMENT#1",
                "entityType": "Shipment",
                "carrier": draw.pick(["Northpost", "Velo Kurier", "BlueParcel"]),
                "trackingNumber": draw.digits(20),
                "weightKg": Decimal(draw.number(100, 20_000)) / 1000,
                "events": [
                    {"at": epoch(shipped + timedelta(hours=9 * step)), "status": status}
                    for step, status in enumerate(["ACCEPTED", "IN_TRANSIT", "DELIVERED"][: draw.number(1, 3)])
                ],
            }
        )
    return made


def address(draw):
    city, country, postcode = draw.pick(CITIES)
    return {
        "street": f"{draw.number(1, 240)} {draw.pick(['Mill Lane', 'Station Road', 'Rua Nova', 'Parkstraße'])}",
        "city": city,
        "postalCode": postcode,
        "countryCode": country,
    }


def product_catalog():
    """Nested maps, lists, all sets, binary, NULL, mixed types, empty collections, odd names, maps keyed by data."""
    draw = Draw(2)
    metrics = (
        "Battery life, Burst rate, Cable length, Drum speed, Energy use, Fan speed, Filter area, Gain, "
        "Head room, Inrush current, Jitter, Latency, Memory, Noise floor, Operating pressure, "
        "Peak power, Range, Sample rate, Thermal load, Torque"
    ).split(", ")
    units = ["A", "GB", "Hz", "Nm", "V", "W", "bar", "cm", "dB", "h", "kg", "min", "mm"]
    specifications = [f"{metric} ({unit})" for metric in metrics for unit in units]
    stores = [f"store-{n:04}" for n in range(1, 241)]
    ranges, kinds = "Field Studio Garden Pocket Marine".split(), "recorder drill camera heater pump".split()
    items = []
    for product_id in range(20_001, 20_131):
        sku = f"GX-{product_id}"
        product = {
            "ProductId": product_id,
            "Title": f"{draw.pick(ranges)} {draw.pick(kinds)} {draw.number(2, 9)}00",
            "Price": "on request" if draw.chance(0.05) else draw.money(9, 2_400),
            "InStock": draw.chance(0.8),
            "Dimensions": {
                "WidthCm": draw.number(3, 90),
                "HeightCm": Decimal(draw.number(30, 900)) / 10,
                "WeightKg": Decimal(draw.number(1, 9_000)) / 1000,
            },
            "Specifications": {
                name: draw.pick([draw.number(1, 500), Decimal(draw.number(1, 999)) / 100, "n/a", True])
                for name in draw.some(specifications, 4, 10)
            },
            "StockByStore": {store: draw.number(0, 60) for store in draw.some(stores, 2, 12)},
            "Tags": set(draw.some(["cordless", "refurbished", "ip67", "usb-c", "quiet", "vegan"], 1, 4)),
            "AvailableSizes": {Decimal(draw.number(70, 96)) / 2 for _ in range(draw.number(1, 5))},
            "Thumbnail": b"\x89PNG\r\n\x1a\n" + draw.bytes_of(24),
            "ImageHashes": {draw.bytes_of(16) for _ in range(draw.number(1, 3))},
            "Successor": None,
            "DiscontinuedAt": iso(draw.moment()) if draw.chance(0.1) else None,
            "Rating": {
                "average": Decimal(draw.number(10, 50)) / 10,
                "count": draw.number(0, 900),
                "histogram": [draw.number(0, 300) for _ in range(5)],
            },
            "Variants": [
                {
                    "sku": f"{sku}-{colour[:2].upper()}",
                    "colour": colour,
                    "surcharge": draw.pick([0, Decimal("4.5"), Decimal("12.99")]),
                    "options": {"engraving": draw.chance(0.5), "cableMetres": draw.number(1, 5)},
                }
                for colour in draw.some(["black", "silver", "moss", "sand"], 0, 3)
            ],
            "RelatedItems": [draw.pick([product_id - 1, f"GX-{product_id + 1}"]) for _ in range(draw.number(0, 3))],
            "Gallery": [
                [f"{sku}/{view}-{size}.webp" for size in ("s", "l")]
                for view in draw.some(["front", "back", "box"], 0, 2)
            ],
            "Labels": {},
            "Warnings": [],
            "EAN-13": "400" + draw.digits(10),
            "Country of Origin": draw.pick(["Portugal", "Viet Nam", "Côte d'Ivoire", "Poland"]),
            "Localised": {
                locale: {"title": title, "reviewed": draw.chance(0.5)}
                for locale, title in draw.some(
                    [("en-GB", "Colour model"), ("pt-BR", "Modelo colorido"), ("ja-JP", "カラーモデル")], 1, 3
                )
            },
            "CareInstructions": {"Machine wash": draw.chance(0.2), "Max. temperature": 30},
            "LegacyIds": {"sku": sku.lower(), "SKU": sku} if draw.chance(0.5) else {"sku": sku.lower()},
        }
        if draw.chance(0.5):
            product["Colours"] = draw.pick([{"black", "silver"}, ["moss"], ["black", "sand"]])
        if draw.chance(0.3):
            product["Bundle"] = draw.pick([True, 3, {"items": [sku], "saves": Decimal("19.9")}])
        items.append(product)
    return request("ProductCatalog", ("ProductId", "N")), items


def web_sessions():
    """A name with dots, dashes and capitals; a binary hash key, a TTL, attributes that fold to one column name."""
    draw = Draw(3)
    items = []
    for _ in range(900):
        started = draw.moment()
        session = {
            "tokenHash": draw.bytes_of(32),
            "startedAt": epoch(started) * 1000 + draw.number(0, 999),
            "expiresAt": epoch(started + timedelta(hours=12)),
            "userId": draw.uuid(),
            "clientIp": bytes([203, 0, 113, draw.number(1, 254)])
            if draw.chance(0.7)
            else bytes.fromhex("20010db8") + draw.bytes_of(12),
            "X-Forwarded-For": [f"198.51.100.{draw.number(1, 254)}" for _ in range(draw.number(1, 2))],
            "user-agent": draw.pick(["Firefox/149.0", "Chrome/147.0.0.0", "Safari/26.1", "acme-app/5.12 (Android 17)"]),
            "2faVerified": draw.chance(0.6),
            "Device Model": draw.pick(["Pixel 11", "iPhone 18", "ThinkPad", "unknown"]),
            "featureFlags": {
                flag: draw.chance(0.5) for flag in draw.some(["newCheckout", "dark-mode", "search.v2"], 1, 3)
            },
            "pageViews": [
                {"path": path, "ms": draw.number(40, 90_000), "scrollDepth": Decimal(draw.number(0, 1000)) / 1000}
                for path in draw.some(["/", "/search", "/cart", "/checkout", "/account/orders"], 1, 4)
            ],
            "geo": {
                "countryCode": draw.pick(["PT", "GB", "US", "JP"]),
                "lat": Decimal(draw.number(-9_000_000, 9_000_000)) / 100_000,
                "lon": Decimal(draw.number(-18_000_000, 18_000_000)) / 100_000,
            },
        }
        if draw.chance(0.2):  # what an older client wrote: another case, an underscore for the dash, seconds as text
            session["userID"] = draw.number(10_000, 99_999)
            session["user_agent"] = session.pop("user-agent")
            session["endedAt"] = iso(started + timedelta(minutes=draw.number(1, 300)))
        elif draw.chance(0.5):
            session["endedAt"] = session["startedAt"] + draw.number(1_000, 9_000_000)
        items.append(session)
    return request("Acme.Web-Sessions.Prod", ("tokenHash", "B"), ("startedAt", "N")), items


def treasury_ledger():
    """Numbers: identifiers over 2^63, 18 decimals, 38 digits, values that fit neither bigint nor double nor decimal."""
    draw = Draw(4)
    assets = [f"{letter}{number:02}X" for letter in "ABCDEFGHIJKLM" for number in range(20)]
    accounts = [int("1" + draw.digits(19)) for _ in range(40)]
    items = []
    for sequence in range(1, 801):
        posted = draw.moment()
        whole = draw.number(0, 999_999_999)
        entry = {
            "account_id": draw.pick(accounts),
            "sequence": sequence,
            "transfer_id": draw.number(2**63, 2**64 - 4096) if draw.chance(0.9) else draw.number(1, 10**6),
            "amount": Decimal(f"{whole}.{draw.digits(18)}") * draw.pick([1, -1]) if draw.chance(0.95) else whole,
            "fee": draw.money(0, 40),
            "fx_rate": Decimal("1." + draw.digits(draw.number(2, 14))),
            "base_units": Decimal(draw.digits(draw.number(20, 38))),
            "audit_value": Decimal(draw.digits(25)) if draw.chance(0.5) else Decimal("0." + draw.digits(20)),
            "share": Decimal("0." + draw.digits(17)) if draw.chance(0.1) else Decimal(draw.number(1, 99)) / 100,
            "balances": {
                asset: Decimal(f"{draw.number(0, 10**6)}.{draw.digits(12)}") for asset in draw.some(assets, 2, 6)
            },
            "posted_at_ms": epoch(posted) * 1000,
            "value_date": posted.strftime("%Y-%m-%d"),
            "delete_after": epoch(posted + timedelta(days=3650)),
            "signatures": {draw.bytes_of(12) for _ in range(draw.number(1, 2))},
            "memo": draw.pick([None, "settlement", "fee rebate", "rebalancing"]),
        }
        items.append(entry)
    return request("treasury_ledger", ("account_id", "N"), ("sequence", "N")), items


def dead_letters():
    """No items: the columns are the keys'."""
    return request("Payments-DeadLetters", ("paymentId", "S"), ("failedAt", "N")), []
