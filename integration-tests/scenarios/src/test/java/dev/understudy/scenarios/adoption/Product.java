package dev.understudy.scenarios.adoption;

/** A row of the application's table, which has no version column. */
public record Product(long id, String name, int stock) {
    /** The same with other stock. */
    public Product withStock(int count) {
        return new Product(id, name, count);
    }

    /** As text for the application's own cache. */
    public String text() {
        return id + "|" + stock + "|" + name;
    }

    /** The product of such a text. */
    public static Product parse(String text) {
        String[] parts = text.split("\\|", 3);
        return new Product(Long.parseLong(parts[0]), parts[2], Integer.parseInt(parts[1]));
    }
}
