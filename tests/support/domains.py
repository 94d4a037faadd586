"""The three domains of the documentation, as resource lines."""

CATALOGUE = (
    "product: name:str(1..100) description:str(..500)? price:decimal(10,2)>0 stock:int>=0=0 is_available:bool=true"
)
ORDERS = "order: user_id:uuid status:enum(pending|paid|shipped|cancelled)=pending total_amount:decimal(12,2)>=0"
SHOP = (
    "person/people: email:str(3..200)! nickname:str(..50)? born:date?; "
    "product: sku:str(1..40)! name:str(1..100) details:json? weight:float?>0; "
    "review: product:ref(product) person:ref(person)? stars:int>=1<=5 text:text? written:datetime?"
)
DOMAINS = {"catalogue": CATALOGUE, "orders": ORDERS, "shop": SHOP}
